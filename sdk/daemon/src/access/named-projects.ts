/**
 * Ids of the projects that a request names anywhere, in its own fields and in the messages that it holds. `-`, any
 * project, is among them as it is written. Texts of users that only look like a name make a request need more, never less.
 */
export function namedProjects(request: unknown): readonly string[] {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value === 'string') {
      const id = projectOf(value);
      if (id !== undefined) found.add(id);
    } else if (Array.isArray(value)) {
      for (const item of value) visit(item);
    } else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
      for (const [field, part] of Object.entries(value)) if (!opaque.has(field)) visit(part);
    }
  };
  visit(request);
  return [...found];
}

/** The project of `projects/{project}` or of a name below it. */
export function projectOf(name: string): string | undefined {
  return /^projects\/([^/]*)/.exec(name)?.[1];
}

/** A connector's own settings and statements hold no resource names, but may hold paths that look like one. */
const opaque = new Set(['config', 'sql']);
