//! The `alertq` binary; all that it does stands in `alertq::cli`.

use std::process::ExitCode;

/// Many small allocations from several threads: this one is faster at that than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    alertq::cli::run(std::env::args_os())
}
