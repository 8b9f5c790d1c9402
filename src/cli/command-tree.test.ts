/** What a line that can not be run says, and with which exit code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runLine } from '../../test/support/command-line.ts';

const MC = ['-g', 'g', '-n', 'c'] as const;

/** Line, error. */
const ROWS: readonly (readonly [readonly string[], string])[] = [
  [['gruop', 'list'], "'gruop' is misspelled or not recognized by the system.\nDid you mean 'group'?"],
  [['clustr'], "'clustr' is misspelled or not recognized by the system.\nDid you mean 'cluster'?"],
  [['quite-another'], "'quite-another' is misspelled or not recognized by the system."],
  [['aks', 'shw'], "'shw' is misspelled or not recognized by the system.\nDid you mean 'show'?"],
  [['aks'], "'mintmark aks' needs one of its commands: create, update, show, list, delete, wait, scale, upgrade, set-credentials, oidc-issuer. See 'mintmark aks --help'."],
  [['cluster', 'oidc-issuer'], "'mintmark aks oidc-issuer' needs one of its commands: rotate-signing-keys. See 'mintmark aks oidc-issuer --help'."],
  [['aks', 'show'], 'the following arguments are required: --name/-n, --resource-group/-g'],
  [['group', 'show'], 'the following arguments are required: --name/-n/--resource-group/-g'],
  [['group', 'create'], 'the following arguments are required: --location/-l, --name/-n/--resource-group/-g'],
  [['group', 'create', '-l', 'eastus'], 'the following arguments are required: --name/-n/--resource-group/-g'],
  [['group', 'create', '-g', 'g'], 'the following arguments are required: --location/-l'],
  [['group', 'update'], 'the following arguments are required: --name/-n/--resource-group/-g, --tags'],
  [['aks', 'show', '-g', 'g', '-n'], 'argument --name/-n: expected one argument'],
  [['aks', 'list', 'extra'], "too many arguments for 'list'. Expected 0 arguments but got 1: extra."],
  [['aks', 'create', ...MC, '--enable-oidc-issuers'], "unrecognized arguments: --enable-oidc-issuers\nDid you mean '--enable-oidc-issuer'?"],
  [['aks', 'create', ...MC, '--node-osdisk-size', '30'], '--node-osdisk-size is not supported by Mintmark: it registers a cluster that runs elsewhere and builds no nodes.'],
  [['aks', 'create', ...MC, '--attach-acr=x'], '--attach-acr is not supported by Mintmark: it registers a cluster that runs elsewhere and builds no nodes.'],
  [['aks', 'create', ...MC, '-m30'], '--max-pods is not supported by Mintmark: it registers a cluster that runs elsewhere and builds no nodes.'],
  [['aks', 'create', ...MC, '--yes'], '--yes is not needed: this command asks nothing.'],
  [['aks', 'create', ...MC, '--node-count', 'many'], "argument --node-count/-c: 'many' is no whole number."],
  [['aks', 'create', ...MC, '--ssh-key-value', '/nowhere/id_rsa.pub'], 'argument --ssh-key-value: neither a public SSH key nor a file with one. Leave it out: Mintmark needs none.'],
  [['aks', 'update', ...MC, '--disable-oidc-issuer'], 'unrecognized arguments: --disable-oidc-issuer. An OIDC issuer, once enabled, can not be disabled.'],
  [['aks', 'update', ...MC, '--enable-cluster-autoscaler'], '--enable-cluster-autoscaler is not supported by Mintmark: it registers a cluster that runs elsewhere and builds no nodes.'],
  [['aks', 'update', ...MC], 'Nothing to update: give --enable-oidc-issuer or --tags.'],
  [['aks', 'show', ...MC, '--node-osdisk-size', '30'], 'unrecognized arguments: --node-osdisk-size'],
  [['aks', 'wait', ...MC], 'incorrect usage: --created | --updated | --deleted | --exists | --custom JMESPATH'],
  [['issuer', 'set-rotation', ...MC, '--rotate-every', '3w'], "'3w' is no length of time. Write it as 1h, 90m, 3600s, 30d or P30D."],
  [['token', 'create', ...MC, '--service-account', 'app'], "argument --service-account: 'app' is not NAMESPACE/NAME, such as default/my-app."],
  [['token', 'verify', '-g', 'g'], 'Whose token? Give --resource-group/-g and --name/-n of a cluster, or --issuer.'],
  [['token', 'verify', '--issuer', 'http://i/'], "argument --issuer: 'http://i/' is no https URL."],
  [['dev', '--issuer-port', '70000'], 'argument --issuer-port: 70000 is no port; the highest is 65535.'],
  [['completion', 'tcsh'], "'tcsh' is no shell that Mintmark completes in. Choose bash, zsh, fish."],
  [['version', '--query', '[['], "argument --query: invalid jmespath_type value: '[[' (Syntax error: invalid token (EOF): \"\")"],
];

for (const [line, error] of ROWS) {
  test(`mintmark ${line.join(' ')}`, async () => {
    assert.deepEqual(await runLine(line), { code: 2, stdout: '', stderr: `ERROR: ${error}\n` });
  });
}
