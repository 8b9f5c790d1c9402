/** Where a cluster can be said to be: the public Azure regions by their names, and any that the configuration adds. A label in the issuer URL, nothing more. */
import { MintmarkError } from './errors.ts';

export interface Location {
  readonly name: string;
  readonly displayName: string;
}

const AZURE_REGIONS = [
  'Australia Central', 'Australia Central 2', 'Australia East', 'Australia Southeast', 'Austria East', 'Belgium Central', 'Brazil South', 'Brazil Southeast',
  'Canada Central', 'Canada East', 'Central India', 'Central US', 'Chile Central', 'East Asia', 'East US', 'East US 2', 'France Central', 'France South',
  'Germany North', 'Germany West Central', 'Indonesia Central', 'Israel Central', 'Italy North', 'Japan East', 'Japan West', 'Jio India Central', 'Jio India West',
  'Korea Central', 'Korea South', 'Malaysia West', 'Mexico Central', 'New Zealand North', 'North Central US', 'North Europe', 'Norway East', 'Norway West',
  'Poland Central', 'Qatar Central', 'South Africa North', 'South Africa West', 'South Central US', 'South India', 'Southeast Asia', 'Spain Central',
  'Sweden Central', 'Sweden South', 'Switzerland North', 'Switzerland West', 'UAE Central', 'UAE North', 'UK South', 'UK West', 'West Central US', 'West Europe',
  'West India', 'West US', 'West US 2', 'West US 3',
] as const;

/** `East US` → `eastus`: the form in URLs and replies. */
export const normalizeLocation = (name: string): string => name.toLowerCase().replaceAll(' ', '');

/** A name that the configuration may add: it stands in host names and paths. */
export const isLocationName = (name: string): boolean => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name);

const AZURE_NAMES: ReadonlySet<string> = new Set(AZURE_REGIONS.map(normalizeLocation));

/** All locations that clusters may have. */
export const locations = (configured: readonly string[]): readonly Location[] => [
  ...AZURE_REGIONS.map((displayName) => ({ name: normalizeLocation(displayName), displayName })),
  ...configured.filter((name) => !AZURE_NAMES.has(name)).map((name) => ({ name, displayName: name })),
];

/**
 * The normal form of a location.
 * @throws MintmarkError `LocationNotAvailable` when it is none.
 */
export function knownLocation(name: string, configured: readonly string[]): string {
  const normal = normalizeLocation(name);
  if (locations(configured).some((location) => location.name === normal)) return normal;
  throw new MintmarkError('LocationNotAvailable', `'${name.slice(0, 80)}' is no location: use a public Azure region such as eastus, or add the name to 'locations' in the configuration.`, { target: 'location' });
}
