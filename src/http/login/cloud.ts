/**
 * What Azure's clients ask a management endpoint about its cloud (`/metadata/endpoints`): where to log in, and for whom
 * tokens are. They know three forms, by api-version.
 *
 * Every endpoint is this server's own, so that no command of theirs reaches Microsoft by what it was told here; the
 * cloud has a name of its own, so that nobody takes it for Azure.
 */
import { z } from 'zod';
import { ADFS } from './authority.ts';

/** An api-version of Azure's: a day, perhaps with a word behind it. */
export const cloudQuery = z.object({ 'api-version': z.string().max(80).optional() });
const cloudLogin = z.looseObject({ loginEndpoint: z.string(), audiences: z.array(z.string()) });
const wholeCloud = z.object({
  name: z.string(), portal: z.string(), resourceManager: z.string(), gallery: z.string(), graph: z.string(), graphAudience: z.string(), microsoftGraphResourceId: z.string(),
  authentication: cloudLogin, suffixes: z.record(z.string(), z.string()),
});
type WholeCloud = z.infer<typeof wholeCloud>;
const oldestCloud = z.object({ galleryEndpoint: z.string(), graphEndpoint: z.string(), portalEndpoint: z.string(), authentication: cloudLogin });
type OldestCloud = z.infer<typeof oldestCloud>;
export const cloud = z.union([wholeCloud, z.array(wholeCloud), oldestCloud]);
type Cloud = z.infer<typeof cloud>;

/** As `az cloud show`, `az account show` and others print it where the person has not chosen another. */
export const CLOUD_NAME = 'Mintmark';

/** The first day of a form; api-versions are days, and compare as text. */
const FORMS: readonly (readonly [from: string, form: (url: string) => Cloud])[] = [
  ['2022', cloudOf],
  ['2019', (url) => [cloudOf(url)]],
  ['', endpointsOf],
];

/** Without an api-version, in the newest form. */
export function cloudMetadata(apiVersion: string | undefined, managementUrl: string): Cloud {
  const [, form] = FORMS.find(([from]) => apiVersion === undefined || apiVersion >= from) ?? FORMS[0]!;
  return form(managementUrl);
}

const authentication = (url: string) => ({ loginEndpoint: `${url}${ADFS}`, audiences: [url] });

function cloudOf(url: string): WholeCloud {
  return {
    name: CLOUD_NAME, portal: url, resourceManager: url, gallery: url, graph: url, graphAudience: url, microsoftGraphResourceId: url,
    authentication: { ...authentication(url), tenant: 'common', identityProvider: 'AAD' },
    suffixes: {},
  };
}

/** The oldest form, which Azure CLI 2.45 asks for. */
function endpointsOf(url: string): OldestCloud {
  return { galleryEndpoint: url, graphEndpoint: url, portalEndpoint: url, authentication: authentication(url) };
}
