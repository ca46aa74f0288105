//! Requests to valgrind: instructions that do nothing elsewhere (`valgrind/valgrind.h` and `valgrind/memcheck.h` name them).

use std::arch::asm;

/// `VG_USERREQ_TOOL_BASE('M', 'C')`
const MEMCHECK: usize = 0x4d43_0000;
const MAKE_MEM_UNDEFINED: usize = MEMCHECK + 1;
const MAKE_MEM_DEFINED: usize = MEMCHECK + 2;
const RUNNING_ON_VALGRIND: usize = 0x1001;
const COUNT_ERRORS: usize = 0x1201;

pub(crate) fn is_running() -> bool {
    request(RUNNING_ON_VALGRIND, &mut []) > 0
}

/// Errors up to now, each as often as it occurred.
pub(crate) fn count_errors() -> usize {
    request(COUNT_ERRORS, &mut [])
}

/// Marks bytes as secret.
pub(crate) fn hide(bytes: &mut [u8]) {
    request(MAKE_MEM_UNDEFINED, bytes);
}

/// Marks bytes as public.
pub(crate) fn show(bytes: &mut [u8]) {
    request(MAKE_MEM_DEFINED, bytes);
}

fn request(number: usize, bytes: &mut [u8]) -> usize {
    let request = [number, bytes.as_mut_ptr() as usize, bytes.len(), 0, 0, 0];
    let answer;
    // SAFETY: four rotations of 128 bits in all leave rdi as it was, and the exchange of rbx with itself does nothing. Under valgrind, they
    // make it read the request and answer in rdx; the bytes' values are left as they are.
    unsafe {
        asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") request.as_ptr(),
            inout("rdx") 0_usize => answer,
            options(nostack),
        );
    }
    answer
}
