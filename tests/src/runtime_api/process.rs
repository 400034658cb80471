//! What the operating system knows of a function's process.

use std::{
    io::Read,
    process::Child,
    sync::{Arc, Mutex},
};

/// Everything that a process wrote.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Collects both streams of a process for as long as it runs.
    pub(super) fn of(process: &mut Child) -> Self {
        let log = Self::default();
        log.collect(process.stdout.take().unwrap());
        log.collect(process.stderr.take().unwrap());
        log
    }

    fn collect(&self, mut stream: impl Read + Send + 'static) {
        let log = self.clone();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut chunk) {
                log.0.lock().unwrap().extend_from_slice(&chunk[..length]);
            }
        });
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// The peak resident memory of a running process, in bytes.
pub(super) fn peak_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux counts it");
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes * 1024
}
