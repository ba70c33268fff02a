// What each client with a cache of its own is asked to do, in one place, so that the tests of all of them show the same: a project with
// features of which a page is smaller than the whole.
/** Names in the order of the list. */
export const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

/** Makes the project; its id, and its features' ids by their names. */
export async function createBoard(program, name) {
  const project = await program.createProject(name);
  const features = {};
  for (const feature of NAMES) features[feature] = await program.createFeature(project, feature);
  return { project, features };
}
