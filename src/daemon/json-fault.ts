/**
 * What is wrong with a text that is no JSON, in the words that Docker's engine has from Go's decoder; clients and
 * their users know them. `undefined` where the text is one JSON value; `after` where more follows a whole value.
 */
export function jsonFault(text: string): string | undefined {
  const scan = new Scan(text);
  try {
    scan.value('beginning of value');
  } catch (fault) {
    if (fault instanceof Fault) return `invalid JSON: ${fault.message}`;
    throw fault;
  }
  return scan.atEnd() ? undefined : 'unexpected content after JSON';
}

class Fault extends Error {}

const maxDepth = 1000;

class Scan {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    this.#space();
    return this.#at >= this.#text.length;
  }

  value(where: string): void {
    this.#space();
    const next = this.#text[this.#at];
    if (this.#depth === maxDepth) throw new Fault('exceeded max depth');
    this.#depth += 1;
    if (next === '{') this.#object();
    else if (next === '[') this.#array();
    else if (next === '"') this.#string();
    else if (next === 't' || next === 'f' || next === 'n') this.#word(words[next]);
    else this.#number(where);
    this.#depth -= 1;
  }

  #object(): void {
    this.#at += 1;
    this.#space();
    if (this.#taken('}')) return;
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#fail('looking for beginning of object key string');
      this.#string();
      this.#expect(':', 'after object key');
      this.value('beginning of value');
      this.#space();
      if (this.#taken('}')) return;
      this.#expect(',', 'after object key:value pair');
    }
  }

  #array(): void {
    this.#at += 1;
    this.#space();
    if (this.#taken(']')) return;
    for (;;) {
      this.value('beginning of value');
      this.#space();
      if (this.#taken(']')) return;
      this.#expect(',', 'after array element');
    }
  }

  #string(): void {
    for (this.#at += 1; this.#text[this.#at] !== '"'; this.#at += 1) {
      const one = this.#text[this.#at];
      if (one === undefined || one < ' ') this.#fail('in string literal');
      if (one === '\\') {
        this.#at += 1;
        if (!/["\\/bfnrtu]/.test(this.#text[this.#at] ?? '')) this.#fail('in string escape code');
      }
    }
    this.#at += 1;
  }

  #word(word: string): void {
    for (const [index, letter] of [...word].entries()) {
      if (this.#text[this.#at] !== letter) this.#fail(`in literal ${word} (expecting '${word[index]}')`);
      this.#at += 1;
    }
  }

  #number(where: string): void {
    const [number = ''] =
      /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/.exec(this.#text.slice(this.#at)) ?? [];
    if (number === '') this.#fail(`looking for ${where}`);
    this.#at += number.length;
  }

  #expect(one: string, where: string): void {
    this.#space();
    if (!this.#taken(one)) this.#fail(where);
  }

  #taken(one: string): boolean {
    if (this.#text[this.#at] !== one) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #fail(where: string): never {
    const one = this.#text[this.#at];
    throw new Fault(one === undefined ? 'unexpected EOF' : `invalid character ${quoted(one)} ${where}`);
  }
}

const words = { t: 'true', f: 'false', n: 'null' } as const;
const quoted = (one: string) => (one === "'" ? `'\\''` : one === '"' ? `'"'` : `'${one.replace(/\n/, '\\n')}'`);
