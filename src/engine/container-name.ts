import { randomInt } from 'node:crypto';
import { IechorError } from '../common/error.ts';

const adjectives = `able airy amber ample apt bold brave bright brisk calm candid civil clear clever cosmic crisp deft
  early easy fair fond frank fresh gentle glad grand happy hardy honest keen kind lively loyal lucid mellow merry mild
  neat noble patient plain quick quiet rapid ready round serene sharp silent smart solid steady sunny swift tidy true
  vivid warm wise witty`.split(/\s+/);
const surnames = `abel agnesi ampere archimedes babbage banneker bell bohr boole born bose cantor carson cauchy cerf
  chandra cori curie darwin dijkstra dirac edison euclid euler faraday fermat fermi feynman franklin galileo galois
  gauss germain gibbs goodall hamilton hawking heisenberg hertz hilbert hodgkin hopper huygens joule kepler kirch
  knuth kovalevskaya lagrange lamarr laplace leavitt leibniz liskov lovelace maxwell mayer mccarthy meitner mendel
  mirzakhani moser nash newton noether nobel ohm pascal pasteur pauling perlman planck ptolemy raman ride ritchie
  rubin sagan shannon tesla thompson torvalds turing volta watt wiles wright wu yalow`.split(/\s+/);

/** Throws BAD_REQUEST for a name that Docker would not take. Returns it without a leading slash. */
export function checkedName(name: string): string {
  const plain = name.replace(/^\//, '');
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(plain) && plain.length <= 255) return plain;
  throw new IechorError(
    'BAD_REQUEST',
    `Invalid container name (${plain.slice(0, 80)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    {
      hint: 'a name has two or more of the characters a-z A-Z 0-9 _ . - and begins with a letter or digit',
    },
  );
}

/** A name such as `calm_noether` that is not taken. */
export function generateName(taken: (name: string) => boolean): string {
  const pick = (words: readonly string[]) => words[randomInt(words.length)] ?? '';
  for (let attempt = 0; ; attempt++) {
    const name = `${pick(adjectives)}_${pick(surnames)}${attempt < 6 ? '' : randomInt(10 ** (attempt - 4))}`;
    if (!taken(name)) return name;
  }
}
