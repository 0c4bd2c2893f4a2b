/* A CUDA driver without a GPU: the entry points that HipiFast uses, with the checks that the real one makes of handles, contexts, ranges and
 * recordings. Memory is real, so that copies can be checked; kernels do nothing, but their launch is written down with the bytes of every parameter,
 * whose sizes are read from the PTX. A test reads what was called from fake_log(), and makes any entry point fail by fake_fail().
 * Nothing here is safe for threads: tests run one after another. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_cuda.h"

const char *const kind_names[KINDS] = {"context", "stream", "event", "module", "function", "graph", "executable", "buffer", "host"};
object *objects[MAX_OBJECTS];
int object_count, started, capture_broken, executes, broken;
object *capture_stream, *capture_graph;
static int next_id[KINDS], live[KINDS];
static char log_text[LOG_BYTES], fault_text[2048];
static size_t log_length;
static object *stack[MAX_DEPTH], *primary;
static int depth, retained, device_count = 1, version = 12040, capability = 90, shared_optin = 227 << 10;
static size_t memory_total = 64 << 20, memory_used;
static char fail_name[64], skip_name[64];
static int fail_code, fail_after;

/* Programs of their own have kernels run by this variable, on a device that has as many MiB of memory as it says. */
#define MACHINE_VARIABLE "HIPIFAST_PTX_MACHINE"
#define DEFAULT_LIMIT 4000000000ull

void write_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(log_text + log_length, LOG_BYTES - log_length, format, arguments);
    va_end(arguments);
    if (written > 0 && log_length + (size_t)written + 2 < LOG_BYTES) {
        log_length += (size_t)written;
        log_text[log_length++] = '\n';
        log_text[log_length] = 0;
    }
}

object *make(kind what)
{
    object *made = object_count < MAX_OBJECTS ? calloc(1, sizeof(object)) : NULL;
    if (made == NULL) {
        return NULL;
    }
    made->what = what;
    made->id = ++next_id[what];
    made->live = 1;
    live[what]++;
    objects[object_count++] = made;
    return made;
}

void end(object *what)
{
    what->live = 0;
    live[what->what]--;
}

/* A handle that was destroyed or never made is refused, like the real driver's (mostly). */
object *check(const void *handle, kind what)
{
    for (int i = 0; i < object_count; i++) {
        if (objects[i] == handle) {
            return objects[i]->live && objects[i]->what == what ? objects[i] : NULL;
        }
    }
    return NULL;
}

object *find_buffer(uint64_t address, size_t bytes)
{
    for (int i = 0; i < object_count; i++) {
        object *one = objects[i];
        if (one->live && one->what == KIND_BUFFER && address >= one->address && address + bytes <= one->address + one->bytes) {
            return one;
        }
    }
    return NULL;
}

object *find_host(const void *address, size_t bytes)
{
    for (int i = 0; i < object_count; i++) {
        object *one = objects[i];
        if (one->live && one->what == KIND_HOST && (const char *)address >= (char *)one->memory
            && (const char *)address + bytes <= (char *)one->memory + one->bytes) {
            return one;
        }
    }
    return NULL;
}

int has_context(void)
{
    return depth > 0 && stack[depth - 1] == primary && primary != NULL && primary->live;
}

int injected(const char *name)
{
    if (fail_code != 0 && strcmp(name, fail_name) == 0 && fail_after-- <= 0) {
        int code = fail_code;
        fail_code = 0;
        capture_broken |= capture_stream != NULL;
        return code;
    }
    return SUCCESS;
}

int skipped(const char *name) { return strcmp(name, skip_name) == 0; }

/* --- for tests ---------------------------------------------------------------------------------------------------------------------------- */

API void fake_reset(void)
{
    reset_streams();
    for (int i = 0; i < object_count; i++) {
        for (int n = 0; n < objects[i]->node_count; n++) {
            free_work(&objects[i]->nodes[n]);
        }
        if (objects[i]->module != NULL) {
            machine_unload(objects[i]->module);
        }
        free(objects[i]->text);
        free(objects[i]->memory);
        free(objects[i]);
    }
    object_count = 0;
    memset(next_id, 0, sizeof next_id);
    memset(live, 0, sizeof live);
    log_length = 0;
    log_text[0] = 0;
    depth = retained = started = 0;
    device_count = 1;
    version = 12040;
    capability = 90;
    shared_optin = 227 << 10;
    memory_total = 64 << 20;
    memory_used = 0;
    primary = capture_stream = capture_graph = NULL;
    capture_broken = 0;
    fail_code = 0;
    skip_name[0] = 0;
    executes = 0;
    broken = SUCCESS;
    fault_text[0] = 0;
    machine_clear();
    machine_limit(DEFAULT_LIMIT);
    machine_check_unwritten(1);
}

/* Whether kernels run on the PTX machine; otherwise a launch is written down and does nothing. */
API void fake_set_execution(int value) { executes = value; }
/* What a kernel did that it may not do; empty while nothing did. */
API const char *fake_fault(void) { return fault_text; }
API uint64_t fake_instructions(void) { return machine_instructions(); }
/* Whether a kernel may read device memory that nobody has written, and then reads the poison. */
API void fake_allow_unwritten(int value) { machine_check_unwritten(!value); }
API void fake_set_limit(uint64_t instructions) { machine_limit(instructions); }

void fault(int code, const char *text)
{
    broken = code;
    snprintf(fault_text, sizeof fault_text, "%s", text);
    write_log("fault %s", text);
    if (getenv(MACHINE_VARIABLE) != NULL) {
        fprintf(stderr, "PTX machine: %s\n", text);
    }
}

API const char *fake_log(void) { return log_text; }
API void fake_clear_log(void) { log_length = 0; log_text[0] = 0; }
API void fake_set_version(int value) { version = value; }
API void fake_set_devices(int value) { device_count = value; }
API void fake_set_capability(int value) { capability = value; }
API void fake_set_memory(size_t bytes) { memory_total = bytes; }
API void fake_set_shared(int bytes) { shared_optin = bytes; }
API int fake_live(const char *what)
{
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(what, kind_names[i]) == 0) {
            return live[i];
        }
    }
    return -1;
}
int device_capability(void) { return capability; }
int device_shared(void) { return shared_optin; }
API int fake_retained(void) { return retained; }
API int fake_depth(void) { return depth; }

/* The call of an entry point that comes after so many others fails with a code. */
API void fake_fail(const char *name, int code, int after)
{
    snprintf(fail_name, sizeof fail_name, "%s", name);
    fail_code = code;
    fail_after = after;
}

/* The calls of an entry point do nothing from now on, and say that all went well: a launcher that has forgotten them. */
API void fake_skip(const char *name) { snprintf(skip_name, sizeof skip_name, "%s", name); }

/* --- driver, devices, contexts ------------------------------------------------------------------------------------------------------------ */

API int cuInit(unsigned flags)
{
    int code = injected("cuInit");
    if (code != SUCCESS || flags != 0) {
        return code != SUCCESS ? code : INVALID_VALUE;
    }
    if (device_count == 0) {
        return NO_DEVICE;
    }
    started = 1;
    const char *megabytes = getenv(MACHINE_VARIABLE);
    if (megabytes != NULL) {
        executes = 1;
        machine_check_unwritten(0);
        memory_total = (size_t)atoi(megabytes) << 20;
    }
    return SUCCESS;
}

API int cuDriverGetVersion(int *result)
{
    int code = injected("cuDriverGetVersion");
    *result = version;
    return code;
}

API int cuDeviceGetCount(int *result)
{
    ENTER("cuDeviceGetCount");
    *result = device_count;
    return SUCCESS;
}

API int cuDeviceGet(int *device, int ordinal)
{
    ENTER("cuDeviceGet");
    *device = ordinal;
    return ordinal >= 0 && ordinal < device_count ? SUCCESS : INVALID_DEVICE;
}

API int cuDeviceGetName(char *name, int length, int device)
{
    ENTER("cuDeviceGetName");
    snprintf(name, (size_t)length, "Fake GPU %d", device);
    return SUCCESS;
}

API int cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    ENTER("cuDeviceTotalMem_v2");
    (void)device;
    *bytes = memory_total;
    return SUCCESS;
}

API int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    ENTER("cuDeviceGetAttribute");
    (void)device;
    switch (attribute) {
    case 1: *value = 1024; return SUCCESS;
    case 8: *value = FREE_SHARED; return SUCCESS;
    case 10: *value = 32; return SUCCESS;
    case 16: *value = 4; return SUCCESS;
    case 75: *value = capability / 10; return SUCCESS;
    case 76: *value = capability % 10; return SUCCESS;
    case 97: *value = shared_optin; return SUCCESS;
    default: return INVALID_VALUE;
    }
}

API int cuDevicePrimaryCtxRetain(void **context, int device)
{
    ENTER("cuDevicePrimaryCtxRetain");
    (void)device;
    if (primary == NULL || !primary->live) {
        primary = make(KIND_CONTEXT);
    }
    retained++;
    *context = primary;
    write_log("cuDevicePrimaryCtxRetain");
    return SUCCESS;
}

API int cuDevicePrimaryCtxRelease_v2(int device)
{
    ENTER("cuDevicePrimaryCtxRelease_v2");
    (void)device;
    if (retained == 0) {
        return INVALID_CONTEXT;
    }
    write_log("cuDevicePrimaryCtxRelease_v2");
    if (--retained == 0) {
        end(primary);
    }
    return SUCCESS;
}

API int cuCtxGetCurrent(void **context)
{
    ENTER("cuCtxGetCurrent");
    *context = depth > 0 ? stack[depth - 1] : NULL;
    return SUCCESS;
}

API int cuCtxPushCurrent_v2(void *context)
{
    ENTER("cuCtxPushCurrent_v2");
    object *one = check(context, KIND_CONTEXT);
    if (one == NULL || depth == MAX_DEPTH) {
        return INVALID_CONTEXT;
    }
    stack[depth++] = one;
    return SUCCESS;
}

API int cuCtxPopCurrent_v2(void **context)
{
    ENTER("cuCtxPopCurrent_v2");
    if (depth == 0) {
        return INVALID_CONTEXT;
    }
    *context = stack[--depth];
    return SUCCESS;
}

API int cuCtxSynchronize(void)
{
    ENTER("cuCtxSynchronize");
    NEEDS_CONTEXT();
    NO_CAPTURE();
    return finish_all();
}

/* --- memory ------------------------------------------------------------------------------------------------------------------------------- */

API int cuMemGetInfo_v2(size_t *free_bytes, size_t *total)
{
    ENTER("cuMemGetInfo_v2");
    NEEDS_CONTEXT();
    *free_bytes = memory_total - memory_used;
    *total = memory_total;
    write_log("cuMemGetInfo_v2");
    return SUCCESS;
}

API int cuMemAlloc_v2(uint64_t *address, size_t bytes)
{
    ENTER("cuMemAlloc_v2");
    NEEDS_CONTEXT();
    NO_CAPTURE();
    if (bytes == 0) {
        return INVALID_VALUE;
    }
    if (bytes > memory_total - memory_used) {
        return OUT_OF_MEMORY;
    }
    object *buffer = make(KIND_BUFFER);
    if (buffer == NULL || (buffer->address = machine_allocate(bytes)) == 0) {
        return OUT_OF_MEMORY;
    }
    buffer->bytes = bytes;
    memory_used += bytes;
    *address = buffer->address;
    write_log("cuMemAlloc_v2 buffer%d %zu", buffer->id, bytes);
    return SUCCESS;
}

API int cuMemFree_v2(uint64_t address)
{
    ENTER("cuMemFree_v2");
    NEEDS_CONTEXT();
    object *buffer = find_buffer(address, 1);
    if (buffer == NULL || buffer->address != address) {
        return INVALID_VALUE;
    }
    /* The programming guide: allocating and freeing "causes the GPU to synchronize across all executing CUDA streams". */
    int code = finish_all();
    machine_free(address);
    memory_used -= buffer->bytes;
    end(buffer);
    write_log("cuMemFree_v2 buffer%d", buffer->id);
    return code;
}

API int cuMemHostAlloc(void **pointer, size_t bytes, unsigned flags)
{
    ENTER("cuMemHostAlloc");
    NEEDS_CONTEXT();
    NO_CAPTURE();
    object *host = make(KIND_HOST);
    if (flags != 0 || host == NULL || (host->memory = malloc(bytes)) == NULL) {
        return OUT_OF_MEMORY;
    }
    machine_poison(host->memory, bytes);
    host->bytes = bytes;
    *pointer = host->memory;
    write_log("cuMemHostAlloc host%d %zu", host->id, bytes);
    return SUCCESS;
}

API int cuMemFreeHost(void *pointer)
{
    ENTER("cuMemFreeHost");
    NEEDS_CONTEXT();
    object *host = find_host(pointer, 1);
    if (host == NULL || host->memory != pointer) {
        return INVALID_VALUE;
    }
    int code = finish_all();
    end(host);
    write_log("cuMemFreeHost host%d", host->id);
    return code;
}

