//! A restored database sends nothing to webhooks until somebody says that it takes its original's place.

use std::process::Command;
use std::time::Duration;

use throughline::webhook_deliveries::Dispatcher;

use super::{World, settings};
use crate::support::{Backend, Client, Place, TestDatabase, program};

on_both!(a_restored_database_sends_when_it_is_told_to);

async fn a_restored_database_sends_when_it_is_told_to(backend: Backend) {
    let world = World::new(backend).await;
    let (folder, place) = (tempfile::tempdir().unwrap(), Place::empty(backend).await);
    let sender = world.send();
    world.feature("one").await;
    world.receiver.wait_until(|received| received.len() == 1).await;
    sender.stop().await;
    world.feature("two").await;
    let said =
        succeed(program().args(["backup", "create"]).arg(folder.path()).args(["--database", &world.client.test.url]));
    let backup = said.lines().next().unwrap();
    succeed(program().args(["backup", "restore", backup, "--database", &place.url]));

    // What happened until the backup and was not sent is sent by the copy, and what happens in it; but not yet.
    let copy = Client::new(TestDatabase::at(&place.url).await).with_keys(&world.key);
    let sender = Dispatcher::start(copy.api(), settings()).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(world.receiver.received().len(), 1);
    let told = succeed(program().args(["backup", "send-webhooks", "--database", &place.url]));
    assert_eq!(told, "Webhooks are sent to.\n");
    world.receiver.wait_until(|received| received.len() == 2).await;
    sender.stop().await;
    let told = succeed(program().args(["backup", "send-webhooks", "--database", &place.url]));
    assert_eq!(told, "Nothing kept webhooks from being sent to.\n");

    // Who says so at once is not kept from it.
    let at_once = Place::empty(backend).await;
    succeed(program().args(["backup", "restore", backup, "--send-webhooks", "--database", &at_once.url]));
    let told = succeed(program().args(["backup", "send-webhooks", "--database", &at_once.url]));
    assert_eq!(told, "Nothing kept webhooks from being sent to.\n");

    // The original was not asked to wait.
    let sender = world.send();
    let received = world.receiver.wait_until(|received| received.len() == 3).await;
    assert_eq!(received[1].id, received[2].id, "the same event has the same id, by which a receiver knows it");
    sender.stop().await;
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
