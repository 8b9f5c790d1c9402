/** Why there was no reply, and what to do: by where the command line has the address and the authority from. */
import { isDevHome, type Profile } from './profile.ts';

/** The ends of a sentence `No connection to ORIGIN: …`. */
export interface ConnectionAdvice {
  readonly refused: string;
  readonly noSuchName: string;
  readonly untrusted: string;
}

/** For documents of any server, whose address was given. */
export const PUBLIC_DOCUMENTS: ConnectionAdvice = {
  refused: 'nothing listens there. Check the URL, and that the server runs.',
  noSuchName: 'its name can not be resolved. Check the URL.',
  untrusted: "its certificate is from no authority that this machine trusts, nor from the profile's.",
};

/** While somebody logs in: there is no profile yet. */
export const loginAdvice = ({ caPath }: Pick<Profile, 'caPath'>): ConnectionAdvice => ({
  refused: 'nothing listens there. Check --server, and that the server runs.',
  noSuchName: 'its name can not be resolved. Check --server.',
  untrusted: caPath === null
    ? "its certificate is from no authority that this machine trusts. If its authority is a private one, name that authority's certificate with --ca-file FILE."
    : `its certificate is not from the authority in ${caPath}. Name the certificate of the authority that signed it with --ca-file FILE.`,
});

/** For a profile that is there: that of `mintmark dev`, or one that `login` has written. */
export async function profileAdvice({ home, caPath }: Pick<Profile, 'home' | 'caPath'>): Promise<ConnectionAdvice> {
  const noSuchName = `its name can not be resolved. Check the endpoint in the profile in ${home}.`;
  if (await isDevHome(home)) {
    return {
      refused: "nothing listens there. Start the server ('mintmark dev'), or set MINTMARK_HOME to the home of the one that runs.", noSuchName,
      untrusted: "its certificate is not from the profile's authority. Check that MINTMARK_HOME is the home of this very server.",
    };
  }
  return {
    refused: `nothing listens there. Check that the server runs, and that it is the one of the profile in ${home}.`, noSuchName,
    untrusted: `its certificate is from no authority ${caPath === null ? 'that this machine trusts' : `in ${caPath}`}. If the server has one of another authority now, log in again with --ca-file FILE.`,
  };
}

/** What is the matter with the server itself, wherever its address is from. */
const OF_THE_SERVER: readonly (readonly [RegExp, string])[] = [
  [/ALTNAME/, 'its certificate is for other names than this one. Use a name that is in it.'],
  [/HAS_EXPIRED|NOT_YET_VALID/, "its certificate is not valid at this time. Renew it on the server, and check this machine's clock."],
];

/** Undefined for an error that says enough itself. `code`: that of Node's error. */
export function adviceFor(code: string, { refused, noSuchName, untrusted }: ConnectionAdvice): string | undefined {
  const rows = [[/ECONNREFUSED/, refused], [/ENOTFOUND|EAI_AGAIN/, noSuchName], ...OF_THE_SERVER, [/CERT|SELF_SIGNED|UNABLE_TO/, untrusted]] as const;
  return rows.find(([pattern]) => pattern.test(code))?.[1];
}
