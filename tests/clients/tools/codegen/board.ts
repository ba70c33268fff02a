// What a program does with the types that are generated of documents: `tsc --strict` has to agree with every line.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { getFragmentData } from '../generated/codegen';
import { BoardDocument, ChangeStatusDocument, FeatureCardFragmentDoc, FeatureStatus, FollowDocument } from '../generated/codegen/graphql';
import type { BoardQuery, BoardQueryVariables, ChangeFeatureStatusInput, UserErrorCode } from '../generated/codegen/graphql';

type Execute = <Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables) => Promise<Data>;

export async function readBoard(execute: Execute, projectId: string): Promise<string[]> {
  const lines: string[] = [];
  let after: string | null | undefined = null;
  for (;;) {
    const variables: BoardQueryVariables = { projectId, count: 20, after };
    const { project }: BoardQuery = await execute(BoardDocument, variables);
    // @ts-expect-error A project that is not there is null, which one has to look at.
    project.name;
    if (!project) return lines;
    for (const { node } of project.features.edges) {
      const card = getFragmentData(FeatureCardFragmentDoc, node);
      const priority: number = card.priority;
      const deployedAt: string | null | undefined = card.latestDeployment?.deployedAt;
      lines.push(`${card.name} ${priority} ${deployedAt ?? 'never'} ${card.testSummary.failed}/${card.testSummary.total}`);
      // @ts-expect-error A field that was not asked for is not there.
      card.description;
    }
    if (!project.features.pageInfo.hasNextPage) return lines;
    after = project.features.pageInfo.endCursor;
  }
}

export async function complete(execute: Execute, id: string, expectedVersion: number): Promise<UserErrorCode[]> {
  const input: ChangeFeatureStatusInput = { id, expectedVersion, status: FeatureStatus.Completed };
  // @ts-expect-error A status is one of those that there are.
  const wrong: ChangeFeatureStatusInput = { id, status: 'DONE' };
  void wrong;
  const { changeFeatureStatus } = await execute(ChangeStatusDocument, { input, idempotencyKey: `complete-${id}` });
  return changeFeatureStatus?.userErrors.map((error) => error.code) ?? [];
}

export async function follow(
  subscribe: <Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables) => AsyncIterable<Data>,
  projectId: string,
  after: string | null,
): Promise<string> {
  let cursor = after ?? '';
  for await (const { featureChanged } of subscribe(FollowDocument, { projectId, after })) {
    cursor = featureChanged.cursor;
    // @ts-expect-error A feature that was deleted is null.
    featureChanged.feature[' $fragmentRefs'];
  }
  return cursor;
}
