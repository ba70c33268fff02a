// Changes the schema in ways that come from a seed, and compares what `throughline schema check` says with what graphql-js
// says: as many changes that break, and as many that are dangerous.
//
//     node schema-check.mjs PROGRAM schema.graphql [ROUNDS] [SEED]
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { buildASTSchema, findBreakingChanges, findDangerousChanges, Kind, parse, parseConstValue, parseType, print, visit } from 'graphql';

const [program, path, rounds = '60', seed = '1'] = process.argv.slice(2);
const current = readFileSync(path, 'utf8');
const schemaOf = (document) => buildASTSchema(document, { assumeValid: true, assumeValidSDL: true });
const newSchema = schemaOf(parse(current));
const told = { breaking: 0, dangerous: 0 };

/** Numbers from 0 to 1 that follow from a seed. */
function numbersFrom(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The schema with some changes, each of which another one does not touch. */
function changed(random) {
  const isChosen = () => random() < 0.01;
  const pick = (...choices) => choices[Math.floor(random() * choices.length)];
  const name = (value) => ({ kind: Kind.NAME, value });
  const otherType = (type) =>
    pick(
      type.kind === Kind.NON_NULL_TYPE ? type.type : { kind: Kind.NON_NULL_TYPE, type },
      { kind: Kind.LIST_TYPE, type },
      parseType(pick('Int', 'String!', '[ID!]', 'DateTime')),
    );
  const input = () => ({
    kind: Kind.INPUT_VALUE_DEFINITION,
    name: name('another'),
    type: parseType(pick('Int', 'Int!', '[String!]!')),
    ...(random() < 0.3 && { defaultValue: parseConstValue('1') }),
  });
  const changes = {
    [Kind.INPUT_VALUE_DEFINITION](node, _, __, ___, ancestors) {
      // The directives are those of GraphQL itself. An input that gets a default or loses it may be required or not, of which
      // graphql-js knows less than we do.
      if (!isChosen() || ancestors.some(({ kind }) => kind === Kind.DIRECTIVE_DEFINITION)) return undefined;
      return pick(null, { ...node, type: otherType(node.type) }, { ...node, name: name(`${node.name.value}Renamed`) });
    },
    [Kind.FIELD_DEFINITION](node) {
      if (!isChosen()) return undefined;
      const more = { ...node, arguments: [...node.arguments, input()] };
      return pick(null, { ...node, type: otherType(node.type) }, { ...node, name: name(`${node.name.value}Renamed`) }, more);
    },
    [Kind.ENUM_VALUE_DEFINITION]: (node) => (isChosen() ? pick(null, { ...node, name: name(`${node.name.value}_RENAMED`) }) : undefined),
    [Kind.INPUT_OBJECT_TYPE_DEFINITION]: (node) => (isChosen() ? { ...node, fields: [...node.fields, input()] } : undefined),
    [Kind.UNION_TYPE_DEFINITION](node) {
      const more = { kind: Kind.NAMED_TYPE, name: name('UserError') };
      return pick(undefined, { ...node, types: node.types.slice(1) }, { ...node, types: [...node.types, more] });
    },
    [Kind.OBJECT_TYPE_DEFINITION]: (node) => (random() < 0.05 ? { ...node, interfaces: [] } : undefined),
    [Kind.INTERFACE_TYPE_DEFINITION]: (node) => pick(undefined, { ...node, kind: Kind.UNION_TYPE_DEFINITION, types: [] }),
    [Kind.DOCUMENT](node) {
      const gone = parse('type Gone { gone: Int } directive @gone on FIELD').definitions;
      return pick(undefined, { ...node, definitions: [...node.definitions, ...gone] });
    },
  };
  return visit(parse(current), { leave: (node, ...place) => changes[node.kind]?.(node, ...place) });
}

for (let round = 0; round < Number(rounds); round += 1) {
  const old = changed(numbersFrom(Number(seed) * 1000 + round));
  const oldSchema = schemaOf(old);
  const expected = [findBreakingChanges(oldSchema, newSchema), findDangerousChanges(oldSchema, newSchema)];
  const run = spawnSync(program, ['schema', 'check', '-', '--format', 'json'], { input: print(old), encoding: 'utf8' });
  const changes = run.status === 2 ? [] : JSON.parse(run.stdout);
  const found = ['breaking', 'dangerous'].map((severity) => changes.filter((change) => change.severity === severity));
  const isAlike = expected.every((list, at) => list.length === found[at].length);
  if (!isAlike || run.status !== (found[0].length > 0 ? 1 : 0)) {
    console.error(`seed ${seed}, round ${round}, code ${run.status}: ${run.stderr}`);
    for (const list of expected) for (const { type, description } of list) console.error(`graphql-js: ${type}: ${description}`);
    for (const list of found) for (const { severity, coordinate, change } of list) console.error(`we: ${severity} ${coordinate}: ${change}`);
    process.exit(1);
  }
  told.breaking += found[0].length;
  told.dangerous += found[1].length;
}
if (told.breaking === 0 || told.dangerous === 0) throw new Error('nothing was compared');
console.log(`${rounds} schemas: ${told.breaking} breaking and ${told.dangerous} dangerous changes`);
