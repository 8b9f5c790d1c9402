/**
 * Flags of Azure CLI's `aks create` and `aks update` that Mintmark does not take (azure-cli 2.74 and its preview), so
 * that each is refused with its reason instead of being ignored or called unknown.
 */

const REASON = 'it registers a cluster that runs elsewhere and builds no nodes';

/** Flags whose reason is another one. */
const OWN_SENTENCES: Readonly<Record<string, string>> = {
  '--enable-workload-identity': '--enable-workload-identity is not supported by Mintmark: install the workload identity webhook in the cluster itself; the issuer needs nothing for it.',
  '--disable-workload-identity': '--disable-workload-identity is not supported by Mintmark: the workload identity webhook is installed in the cluster itself.',
  '--disable-oidc-issuer': 'unrecognized arguments: --disable-oidc-issuer. An OIDC issuer, once enabled, can not be disabled.',
  '--yes': '--yes is not needed: this command asks nothing.',
};

const SHORT: Readonly<Record<string, string>> = {
  '-a': '--enable-addons', '-d': '--disable-cluster-autoscaler', '-e': '--enable-cluster-autoscaler', '-m': '--max-pods', '-u': '--update-cluster-autoscaler',
  '-y': '--yes', '-z': '--zones',
};

/** Long flags without their dashes, as words of a text. */
const UNSUPPORTED: ReadonlySet<string> = new Set(`
aad-admin-group-object-ids aad-client-app-id aad-server-app-id aad-server-app-secret aad-tenant-id aci-subnet-name acns-advanced-networkpolicies
acns-datapath-acceleration-mode acns-transit-encryption-type admin-username aks-custom-headers ampls-resource-id api-server-authorized-ip-ranges
apiserver-subnet-id app-routing-default-nginx-controller appgw-id appgw-name appgw-subnet-cidr appgw-subnet-id appgw-watch-namespace ardnc assign-identity
assign-kubelet-identity attach-acr auto-upgrade-channel azure-container-storage-nodepools azure-keyvault-kms-key-id azure-keyvault-kms-key-vault-network-access
azure-keyvault-kms-key-vault-resource-id azure-monitor-workspace-resource-id bootstrap-artifact-source bootstrap-container-registry-resource-id ca-certs
ca-profile client-secret cluster-autoscaler-profile container-storage-version crg-id custom-ca-trust-certificates data-collection-settings defender-config
detach-acr disable-acns disable-acns-observability disable-acns-security disable-ahub disable-ai-toolchain-operator disable-azure-container-storage
disable-azure-keyvault-kms disable-azure-monitor-app-monitoring disable-azure-monitor-metrics disable-azure-rbac disable-blob-driver disable-cluster-autoscaler
disable-container-network-logs disable-cost-analysis disable-defender disable-disk-driver disable-file-driver disable-force-upgrade disable-http-proxy
disable-image-cleaner disable-keda disable-local-accounts disable-private-cluster disable-public-fqdn disable-rbac disable-run-command disable-secret-rotation
disable-snapshot-controller disable-static-egress-gateway disable-vpa disable-windows-gmsa dns-service-ip docker-bridge-address edge-zone enable-aad enable-acns
enable-addons enable-ahub enable-ai-toolchain-operator enable-apiserver-vnet-integration enable-app-routing enable-asm enable-azure-container-storage
enable-azure-keyvault-kms enable-azure-monitor-app-monitoring enable-azure-monitor-metrics enable-azure-rbac enable-azure-service-mesh enable-blob-driver
enable-cluster-autoscaler enable-container-network-logs enable-cost-analysis enable-defender enable-disk-driver enable-encryption-at-host enable-file-driver
enable-fips-image enable-force-upgrade enable-high-log-scale-mode enable-hosted-system enable-http-proxy enable-image-cleaner enable-keda enable-local-accounts
enable-msi-auth-for-monitoring enable-node-public-ip enable-private-cluster enable-public-fqdn enable-rbac enable-run-command enable-secret-rotation
enable-secure-boot enable-sgxquotehelper enable-snapshot-controller enable-static-egress-gateway enable-syslog enable-ultra-ssd enable-vpa enable-vtpm
enable-windows-gmsa enable-windows-recording-rules ephemeral-disk-nvme-perf-tier ephemeral-disk-volume-type fqdn-subdomain gmsa-dns-server gmsa-root-domain-name
gpu-driver gpu-instance-profile grafana-resource-id host-group-id http-proxy-config if-match if-none-match image-cleaner-interval-hours ip-families
k8s-support-plan ksm-metric-annotations-allow-list ksm-metric-labels-allow-list kubelet-config linux-os-config load-balancer-backend-pool-type
load-balancer-idle-timeout load-balancer-managed-outbound-ip-count load-balancer-managed-outbound-ipv6-count load-balancer-outbound-ip-prefixes
load-balancer-outbound-ips load-balancer-outbound-ports load-balancer-sku max-count max-pods message-of-the-day min-count nat-gateway-idle-timeout
nat-gateway-managed-outbound-ip-count network-dataplane network-plugin network-plugin-mode network-policy no-uptime-sla node-os-upgrade-channel
node-osdisk-diskencryptionset-id node-osdisk-size node-osdisk-type node-provisioning-default-pools node-provisioning-mode node-public-ip-prefix-id
node-public-ip-tags node-resource-group node-subnet-id nodepool-allowed-host-ports nodepool-asg-ids nodepool-labels nodepool-tags nodepool-taints
nrg-lockdown-restriction-level os-sku outbound-type pod-cidr pod-cidrs pod-ip-allocation-mode pod-subnet-id ppg private-dns-zone revision
rotation-poll-interval service-cidr service-cidrs service-principal skip-subnet-role-assignment sku snapshot-id storage-pool-name storage-pool-option
storage-pool-size storage-pool-sku system-node-subnet-id tier update-cluster-autoscaler upgrade-override-until uptime-sla vm-set-type vm-sizes vnet-subnet-id
windows-admin-password windows-admin-username workload-runtime workspace-resource-id zones
`.trim().split(/\s+/));

/** The sentence for a flag as it was given (`-m30`, `--max-pods=30`), or undefined when Azure CLI has no such flag either. */
export function azureFlagRefusal(given: string): string | undefined {
  const flag = given.startsWith('--') ? given.split('=', 1)[0]! : (SHORT[given.slice(0, 2)] ?? given);
  const own = OWN_SENTENCES[flag];
  if (own !== undefined) return own;
  return flag.startsWith('--') && UNSUPPORTED.has(flag.slice(2)) ? `${flag} is not supported by Mintmark: ${REASON}.` : undefined;
}
