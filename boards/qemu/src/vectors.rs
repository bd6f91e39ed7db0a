//! The end of the vector table: this firmware polls and takes no interrupts, so a single entry stands for all.
#![allow(unsafe_code)]

unsafe extern "C" {
    fn DefaultHandler();
}

/// What cortex-m-rt's linker script puts behind the core's exceptions; it wants one at least.
// SAFETY: The section holds addresses of handlers, and this is one: cortex-m-rt's, which never returns.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [unsafe extern "C" fn(); 1] = [DefaultHandler];
