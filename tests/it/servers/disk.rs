//! A disk of a few megabytes, to be filled to its last byte: memory that is mounted where only some processes see it.
//!
//! **Invariant:** it goes with the last process that sees it, since it is mounted in a name space of its own; the one that keeps it ends
//! with the test process, however that ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A mounted disk.
pub(super) struct Disk {
    folder: PathBuf,
    keeper: Child,
    user: u32,
    group: u32,
}

const KEEPER: &str = r#"
mount -t tmpfs -o "size=$2m,mode=0700" tmpfs "$1" || exit 1
echo mounted
while read -r _; do :; done
"#;

impl Disk {
    /// A disk of so many MiB in an empty folder. The test fails where nothing can be mounted.
    pub(super) fn mount(folder: &Path, mib: u32) -> Self {
        let this = std::fs::metadata("/proc/self").unwrap();
        let (user, group) = (this.uid(), this.gid());
        // Who may not mount anything may in a name space where they count as root.
        let root: &[&str] = if user == 0 { &[] } else { &["--map-root-user"] };
        let mut keeper = Command::new("unshare");
        keeper.arg("--mount").args(root).args(["sh", "-c", KEEPER, "throughline-disk"]).arg(folder);
        keeper.arg(mib.to_string()).process_group(0).current_dir("/");
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut keeper = keeper.spawn().expect("this test needs `unshare` of util-linux");
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        if said.trim() != "mounted" {
            keeper.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!(
                "this test needs a small disk, which root may mount, and others where they may make name spaces: {said}"
            );
        }
        Self { folder: folder.to_owned(), keeper, user, group }
    }

    /// Whether who mounted it may do everything.
    pub(super) fn is_root(&self) -> bool {
        self.user == 0
    }

    /// Runs a program where the disk is seen.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.keeper.id().to_string(), "--mount"]);
        command.args(if self.is_root() { &["--"] } else { ["--user", "--preserve-credentials", "--"].as_slice() });
        if !self.is_root() {
            // Within it they go on as themselves: PostgreSQL refuses root.
            let (user, group) = (format!("--map-user={}", self.user), format!("--map-group={}", self.group));
            command.args(["unshare", "--user", &user, &group]);
        }
        command.arg(program);
        command
    }

    /// The same for a command that is there.
    pub(super) fn wrap(&self, command: &Command) -> Command {
        let mut wrapped = self.command(Path::new(command.get_program()));
        wrapped.args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(name, value),
                None => wrapped.env_remove(name),
            };
        }
        wrapped
    }

    /// Runs a line of a shell in its folder; whether it has ended well, and what it has said.
    pub(super) fn run(&self, line: &str) -> (bool, String) {
        let line = format!("cd \"$1\" && {line}");
        let output = self.command(Path::new("sh")).args(["-c", &line, "sh"]).arg(&self.folder).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr))
    }

    /// Leaves no byte of it free.
    pub(super) fn fill(&self) {
        let (_, said) = self.run("LC_ALL=C cat /dev/zero > ballast");
        assert!(said.contains("No space left on device"), "{said}");
    }

    /// Takes away what has filled it.
    pub(super) fn make_room(&self) {
        let (done, said) = self.run("rm ballast");
        assert!(done, "{said}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
