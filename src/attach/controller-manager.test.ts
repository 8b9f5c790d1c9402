/** What is said of the kube-controller-manager beside an API server. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { controlPlaneHost } from '../../test/support/control-plane-host.ts';
import { controllerManagerNotes } from './controller-manager.ts';

const pod = (flag: string): string => `kind: Pod\nspec:\n  containers:\n  - command:\n    - kube-controller-manager\n    - ${flag}\n    - --use-service-account-credentials=true\n`;

const ROWS: readonly (readonly [string, string | null, RegExp])[] = [
  ['names its key', pod('--service-account-private-key-file=/etc/kubernetes/pki/sa.key'), /^kube-controller-manager signs token Secrets with \/etc\/kubernetes\/pki\/sa\.key \(/],
  ['in two words', pod('--service-account-private-key-file\n    - /k/sa.key'), /^kube-controller-manager signs token Secrets with \/k\/sa\.key \(/],
  ['has no key', pod('--v=2'), /^Where kube-controller-manager has /],
  ['runs elsewhere', null, /^Where kube-controller-manager has /],
  ['has a manifest that is no YAML', `${pod('--service-account-private-key-file=/x')}\t- {`, /^Where kube-controller-manager has /],
  ['has a manifest of two documents', `${pod('--service-account-private-key-file=/x')}---\n${pod('--v=2')}`, /^Where kube-controller-manager has /],
  ['is no pod', '# --service-account-private-key-file=/x', /^Where kube-controller-manager has /],
];

for (const [what, text, said] of ROWS) {
  test(`it ${what}`, async (t) => {
    const host = controlPlaneHost(t, 36);
    if (text !== null) writeFileSync(join(host.dir, 'manifests/kube-controller-manager.yaml'), text);
    const [note] = await controllerManagerNotes(host.manifest);
    assert.match(note!, said);
    assert.match(note!, /kubectl get secrets --all-namespaces/);
  });
}
