//! What the kernel says of processes: CPU time and memory.

use std::fs;

/// Processes whose CPU time is told as one.
#[derive(Clone, Copy)]
pub(crate) enum Processes {
    /// One.
    One(u32),
    /// One, and its children, those that have ended too.
    Family(u32),
}

/// Ticks of a second, which Linux has told the same of for ever.
const TICKS: f64 = 100.0;

impl Processes {
    /// The seconds that they have used of a processor until now, in user and kernel.
    pub(crate) fn cpu_seconds(self) -> f64 {
        match self {
            Self::One(process) => Stat::of(process).map_or(0.0, |stat| stat.own),
            Self::Family(process) => {
                let all = fs::read_dir("/proc").into_iter().flatten().flatten();
                let processes = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
                let children = processes.filter_map(Stat::of).filter(|stat| stat.parent == process);
                let parent = Stat::of(process).map_or(0.0, |stat| stat.own + stat.ended_children);
                parent + children.map(|stat| stat.own).sum::<f64>()
            }
        }
    }
}

/// The fields of `/proc/PID/stat` that are of use here.
struct Stat {
    parent: u32,
    own: f64,
    ended_children: f64,
}

impl Stat {
    fn of(process: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name before the closing bracket may hold anything.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            own: (ticks(11)? + ticks(12)?) / TICKS,
            ended_children: (ticks(13)? + ticks(14)?) / TICKS,
        })
    }
}

/// The most memory that the process has held since it was started, in bytes.
pub(crate) fn peak_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
