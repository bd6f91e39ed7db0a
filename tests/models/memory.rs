//! The most memory that work takes beyond what this process held before, where the system tells.

/// What `work` yields, and its peak in bytes; `None` where the system does not tell.
pub fn peak_of<T>(work: impl FnOnce() -> T) -> (T, Option<u64>) {
    let before = status_bytes("VmRSS:");
    // Linux takes 5 for "start the peak anew". Elsewhere there is no such file, and no figure.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let result = work();
    let peak = status_bytes("VmHWM:").zip(before).map(|(peak, before)| peak.saturating_sub(before));
    (result, peak)
}

fn status_bytes(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
