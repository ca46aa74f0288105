//! Standard input and output, where there are any.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{OFlags, fcntl_getfl, fstat, major, minor};

use crate::error::JobError;

/// Linux's number of `/dev/null` (Documentation/admin-guide/devices.txt).
const NULL_DEVICE: (u32, u32) = (1, 3);

/// Refuses a standard output that was closed (`>&-`): what is written there is lost, and nothing would say so.
pub(super) fn check_output() -> Result<(), JobError> {
    if was_closed(io::stdout().as_fd()) { Err(JobError::Closed("standard output")) } else { Ok(()) }
}

/// Refuses a standard input that was closed (`<&-`): it would read as empty.
pub(super) fn check_input() -> Result<(), JobError> {
    if was_closed(io::stdin().as_fd()) { Err(JobError::Closed("standard input")) } else { Ok(()) }
}

/// Whether it is what Rust's runtime opens in place of a stream that was closed: `/dev/null`, for reading and writing. A shell's
/// redirection opens it for one of them.
fn was_closed(stream: BorrowedFd<'_>) -> bool {
    let is_null = fstat(stream).is_ok_and(|stat| (major(stat.st_rdev), minor(stat.st_rdev)) == NULL_DEVICE);
    is_null && fcntl_getfl(stream).is_ok_and(|flags| flags.contains(OFlags::RDWR))
}
