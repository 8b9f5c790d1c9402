/**
 * The shape that a manifest has to have for what is read of it here: what the kubelet would not take for a pod is told at
 * once, and not where it is used. A part that is null is to the kubelet as if it were not there, so it may be.
 */
type Shape = 'text' | { readonly fields: Readonly<Record<string, Shape>> } | { readonly items: Shape };

const MOUNT: Shape = { fields: { name: 'text', mountPath: 'text' } };
const CONTAINER: Shape = { fields: { name: 'text', image: 'text', volumeMounts: { items: MOUNT } } };
const VOLUME: Shape = { fields: { name: 'text', hostPath: { fields: { path: 'text' } } } };
const POD: Shape = {
  fields: {
    metadata: { fields: { annotations: { fields: {} } } },
    spec: { fields: { containers: { items: CONTAINER }, volumes: { items: VOLUME } } },
  },
};

/** Where a document is no pod, as in "/spec/containers/0 is no map"; null where it may be one. */
export const podFault = (document: unknown): string | null => fault(document, POD, '');

function fault(value: unknown, shape: Shape, path: string): string | null {
  if (shape === 'text') return typeof value === 'string' ? null : `${path} is no text`;
  if ('items' in shape) return Array.isArray(value) ? first(value.map((item, at) => fault(item, shape.items, `${path}/${at}`))) : `${path} is no list`;
  // Sets and bytes, by YAML's own tags, are objects too.
  if (Object.prototype.toString.call(value) !== '[object Object]') return `${path} is no map`;
  const fields = value as Readonly<Record<string, unknown>>;
  return first(Object.entries(shape.fields).map(([name, of]) => ((fields[name] ?? null) === null ? null : fault(fields[name], of, `${path}/${name}`))));
}

const first = (faults: readonly (string | null)[]): string | null => faults.find((found) => found !== null) ?? null;
