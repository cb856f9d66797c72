interface Node {
  readonly children: Map<string, Node>;
  /** A pattern ends here. */
  end: boolean;
  /** A pattern ends in `#` here: everything below, and what has come so far, is covered. */
  rest: boolean;
}

/** Channel patterns as a tree of their segments, built once and asked often. */
export class PatternSet {
  readonly #root: Node = newNode();

  /** `patterns` are taken to be valid. */
  constructor(patterns: Iterable<string>) {
    for (const pattern of patterns) this.#add(pattern.split('/'));
  }

  /**
   * Does one pattern of the set cover everything that `pattern` can reach? A channel's name reaches itself. Takes
   * no longer than the set is large.
   */
  covers(pattern: string): boolean {
    // No channel has no segment, so `+/#` reaches all that `#` does.
    if (pattern === '#' && this.#root.children.get('+')?.rest) return true;
    return covers(this.#root, pattern.split('/'), 0);
  }

  #add(segments: readonly string[]): void {
    let node = this.#root;
    for (const segment of segments) {
      if (segment === '#') {
        node.rest = true;
        return;
      }
      const child = node.children.get(segment) ?? newNode();
      node.children.set(segment, child);
      node = child;
    }
    node.end = true;
  }
}

function newNode(): Node {
  return { children: new Map(), end: false, rest: false };
}

function covers(node: Node, segments: readonly string[], index: number): boolean {
  if (node.rest) return true;
  const segment = segments[index];
  if (segment === undefined) return node.end;
  // Reaches any depth, which nothing but a `#` covers: one further up, or none.
  if (segment === '#') return false;
  const exact = node.children.get(segment);
  if (exact !== undefined && covers(exact, segments, index + 1)) return true;
  const any = segment === '+' ? undefined : node.children.get('+');
  return any !== undefined && covers(any, segments, index + 1);
}
