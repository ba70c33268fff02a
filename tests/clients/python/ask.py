"""Asks a running server with the client that ariadne-codegen makes of schema.graphql and of the documents of all tools.

    python ask.py http://127.0.0.1:8000/graphql

It follows over a WebSocket what it does itself.

It is checked by `mypy --strict` before it runs.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from throughline_client import (
    AnythingNodeFeature,
    ChangeFeatureStatusInput,
    Client,
    CreateFeatureInput,
    CreateFeaturesInput,
    CreateProjectInput,
    FeatureStatus,
    FindSearchNodesItemFeature,
    FindSearchNodesItemProject,
    UserErrorCode,
)


async def make_board(client: Client) -> tuple[str, str | None]:
    """Makes a project with three features that are in progress, after a dry run that made none; and says when."""
    made = (await client.create_project(CreateProjectInput(name="Made in Python"))).create_project
    assert made is not None and made.project is not None, made
    assert abs(datetime.now(UTC) - made.project.created_at) < timedelta(minutes=1), made
    features = [
        CreateFeatureInput(projectId=made.project.id, name=f"Serpent {at}", priority=at, status=FeatureStatus.IN_PROGRESS)
        for at in range(1, 4)
    ]
    cursor: str | None = None
    for dry_run in (True, False):
        created = (await client.create_features(CreateFeaturesInput(features=features), dry_run=dry_run)).create_features
        assert created is not None and created.user_errors == [] and created.is_dry_run == dry_run, created
        assert [result.feature.name for result in created.results if result.feature] == ["Serpent 1", "Serpent 2", "Serpent 3"]
        cursor = created.cursor
    return made.project.id, cursor


async def read_board(client: Client, project_id: str) -> list[str]:
    """Reads all pages of a board."""
    names: list[str] = []
    after: str | None = None
    while True:
        project = (await client.board(project_id, count=2, after=after)).project
        assert project is not None and project.features.total_count == 3, project
        names += [edge.node.name for edge in project.features.edges]
        if not project.features.page_info.has_next_page:
            return names
        after = project.features.page_info.end_cursor


async def find(client: Client, text: str) -> list[str]:
    """Says what a search finds, with its kind."""
    found: list[str] = []
    for hit in (await client.find(text)).search.nodes:
        match hit.item:
            case FindSearchNodesItemFeature(id=id, status=status):
                found.append(f"{id.split('_')[0]} {status}")
            case FindSearchNodesItemProject(name=name):
                found.append(f"project {name}")
    return found


async def follow(client: Client, project_id: str, after: str | None) -> tuple[str, FeatureStatus | None]:
    """Waits for the next change of a feature, and says which it is and what its status is now."""
    async for told in client.follow(project_id, after):
        feature = told.feature_changed.feature
        return told.feature_changed.feature_id, feature.status if feature else None
    raise AssertionError("the subscription ended")


async def main(url: str) -> None:
    async with Client(url, ws_url=url.replace("http://", "ws://") + "/ws") as client:
        project_id, cursor = await make_board(client)
        assert await read_board(client, project_id) == ["Serpent 3", "Serpent 2", "Serpent 1"]
        assert await find(client, "python") == ["project Made in Python"]
        assert await find(client, "\"serpent 2\"") == ["feature FeatureStatus.IN_PROGRESS"]

        project = (await client.board(project_id, count=1)).project
        assert project is not None
        feature = project.features.edges[0].node
        change = ChangeFeatureStatusInput(id=feature.id, expectedVersion=feature.row_version, status=FeatureStatus.COMPLETED)
        changed = (await client.change_status(change, idempotency_key="python")).change_feature_status
        assert changed is not None and changed.feature is not None and changed.feature.status is FeatureStatus.COMPLETED, changed
        # What happened since the features were made is told first.
        told = await asyncio.wait_for(follow(client, project_id, cursor), 10)
        assert told == (feature.id, FeatureStatus.COMPLETED), told
        late = (await client.change_status(change, idempotency_key="python, late")).change_feature_status
        assert late is not None and late.user_errors[0].code is UserErrorCode.VERSION_CONFLICT, late
        assert late.user_errors[0].conflict is not None and late.user_errors[0].conflict.current_version == changed.version

        node = (await client.anything(feature.id)).node
        assert isinstance(node, AnythingNodeFeature) and node.history.nodes[-1].type_ == "feature.change_status", node
        assert [(change.name, change.value) for change in node.history.nodes[-1].changes] == [("status", "COMPLETED")], node
        assert (await client.anything("feature_01h455vb4pex5vsknk084sn02q")).node is None


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
