/* The PTX machine as the fake driver sees it: device memory, modules, and launches that run to their end. */
#ifndef PTX_MACHINE_H
#define PTX_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct machine_module machine_module;
typedef struct machine_function machine_function;

enum { MACHINE_ILLEGAL_ADDRESS = 700, MACHINE_MISALIGNED = 716, MACHINE_INVALID_SPACE = 717, MACHINE_LAUNCH_FAILED = 719 };

/* NULL, and what is wrong, for text that is no module. */
machine_module *machine_load(const char *text, char *error, size_t error_bytes);
void machine_unload(machine_module *module);
machine_function *machine_find(machine_module *module, const char *name);
int machine_parameters(const machine_function *function);
int machine_parameter_bytes(const machine_function *function, int index);
int machine_parameter_offset(const machine_function *function, int index);
int machine_static_shared(const machine_function *function);

/* 0, or what the driver reports, and the fault: its name, a colon, where and what. Parameters lie at their offsets. */
int machine_run(const machine_function *function, const unsigned groups[3], const unsigned threads[3], size_t dynamic_shared, const void *parameters,
                char *error, size_t error_bytes);
uint64_t machine_instructions(void); /* of warps, that all launches have run */
void machine_check_unwritten(int value);   /* whether reading device memory that nobody has written is a fault; else poison is read */
void machine_limit(uint64_t instructions); /* of one launch */

uint64_t machine_allocate(size_t bytes); /* 0 where there is no memory left */
int machine_free(uint64_t address);      /* whether it is a live allocation's address */
void machine_clear(void);                /* forgets all memory */
void *machine_host(uint64_t address, size_t bytes); /* the bytes behind a range; NULL where it is not within live memory */
void machine_wrote(uint64_t address, size_t bytes);
void machine_copied(uint64_t to, uint64_t from, size_t bytes);
void machine_poison(void *memory, size_t bytes);
const char *machine_describe(uint64_t address, size_t bytes); /* why a range cannot be used; valid until the next call */

#ifdef __cplusplus
}
#endif
#endif
