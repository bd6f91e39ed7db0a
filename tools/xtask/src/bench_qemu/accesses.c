/* A QEMU plugin: counts loads and stores of data between calls of one function of the guest.
 *
 * `cargo xtask bench-qemu` compiles it, where a C compiler is there, and gives it the address of the function that
 * reads the clock: the last interval is one inference. A load of several words counts each of them, one of a vector
 * each of its elements; prints a line `accesses LOADS STORES` at each call. The declarations are those of QEMU's
 * plugin interface, version 1. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint32_t qemu_plugin_meminfo_t;
typedef void (*on_access)(unsigned, qemu_plugin_meminfo_t, uint64_t, void *);
enum { NO_FLAGS = 0, READ_AND_WRITE = 3 };

extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, on_access, int, int, void *);
extern _Bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);

int qemu_plugin_version = 1;

static uint64_t function, loads, stores, loads_before, stores_before;

static void called(unsigned cpu, void *data)
{
    fprintf(stderr, "accesses %llu %llu\n", (unsigned long long)(loads - loads_before),
            (unsigned long long)(stores - stores_before));
    loads_before = loads;
    stores_before = stores;
}

static void accessed(unsigned cpu, qemu_plugin_meminfo_t access, uint64_t address, void *data)
{
    if (qemu_plugin_mem_is_store(access))
        stores++;
    else
        loads++;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        if (qemu_plugin_insn_vaddr(instruction) == function)
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, called, NO_FLAGS, NULL);
        qemu_plugin_register_vcpu_mem_cb(instruction, accessed, NO_FLAGS, READ_AND_WRITE, NULL);
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count, char **arguments)
{
    for (int i = 0; i < count; i++)
        if (!strncmp(arguments[i], "function=", 9))
            function = strtoull(arguments[i] + 9, NULL, 0) & ~1ull;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return function == 0;
}
