/* Modules, kernels and launches of the fake driver. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_cuda.h"

/* Shared memory that the system takes of every group. */
enum { SYSTEM_SHARED = 1024 };

API int cuModuleLoadDataEx(void **handle, const void *image, unsigned option_count, int *options, void **values)
{
    char *error_log = NULL;
    size_t error_bytes = 0;
    for (unsigned i = 0; i < option_count; i++) {
        if (options[i] == 5) {
            error_log = values[i];
        } else if (options[i] == 6) {
            error_bytes = (size_t)(uintptr_t)values[i];
        }
    }
    int code = injected("cuModuleLoadDataEx");
    machine_module *loaded = NULL;
    char error[512] = "Missing .version directive";
    if (code == SUCCESS) {
        /* Code for a newer device than this one, or for none. */
        const char *target = strstr(image, ".target sm_");
        int architecture = target == NULL ? 0 : atoi(target + 11);
        code = strstr(image, ".version") == NULL || architecture < 50 ? INVALID_PTX : architecture > device_capability() ? NO_BINARY_FOR_GPU : SUCCESS;
        if (code == SUCCESS && (loaded = machine_load(image, error, sizeof error)) == NULL) {
            code = INVALID_PTX;
        }
    }
    if (code != SUCCESS) {
        if (error_log != NULL) {
            snprintf(error_log, error_bytes, "ptxas application ptx input, %s%s\nptxas fatal   : aborted", loaded == NULL && error[0] == 'l' ? "" : "line 1; fatal   : ",
                     error);
        }
        return code;
    }
    NEEDS_CONTEXT();
    NO_CAPTURE();
    object *module = make(KIND_MODULE);
    if (module == NULL) {
        return OUT_OF_MEMORY;
    }
    module->module = loaded;
    *handle = module;
    write_log("cuModuleLoadDataEx module%d", module->id);
    return SUCCESS;
}

API int cuModuleUnload(void *handle)
{
    ENTER("cuModuleUnload");
    NEEDS_CONTEXT();
    object *module = check(handle, KIND_MODULE);
    if (module == NULL) {
        return INVALID_HANDLE;
    }
    int code = finish_all();
    end(module);
    write_log("cuModuleUnload module%d", module->id);
    return code;
}

static int static_shared(const object *function) { return SYSTEM_SHARED + machine_static_shared(function->function); }

API int cuModuleGetFunction(void **handle, void *module_handle, const char *name)
{
    ENTER("cuModuleGetFunction");
    NEEDS_CONTEXT();
    object *module = check(module_handle, KIND_MODULE);
    if (module == NULL) {
        return INVALID_HANDLE;
    }
    machine_function *found = machine_find(module->module, name);
    if (found == NULL) {
        return NOT_FOUND;
    }
    object *function = make(KIND_FUNCTION);
    if (function == NULL || machine_parameters(found) > MAX_PARAMETERS) {
        return INVALID_PTX;
    }
    size_t length = strlen(name) + 1;
    function->text = malloc(length);
    memcpy(function->text, name, length);
    function->function = found;
    function->dynamic_shared = FREE_SHARED - static_shared(function);
    *handle = function;
    return SUCCESS;
}

API int cuFuncGetAttribute(int *value, int attribute, void *handle)
{
    ENTER("cuFuncGetAttribute");
    NEEDS_CONTEXT();
    object *function = check(handle, KIND_FUNCTION);
    if (function == NULL) {
        return INVALID_HANDLE;
    }
    switch (attribute) {
    case 0: *value = 512; return SUCCESS;
    case 1: *value = static_shared(function); return SUCCESS;
    case 3: *value = 8; return SUCCESS;
    case 4: *value = 40; return SUCCESS;
    default: return INVALID_VALUE;
    }
}

API int cuFuncSetAttribute(void *handle, int attribute, int value)
{
    ENTER("cuFuncSetAttribute");
    NEEDS_CONTEXT();
    object *function = check(handle, KIND_FUNCTION);
    if (function == NULL || attribute != 8 || value > device_shared() - static_shared(function)) {
        return INVALID_VALUE;
    }
    function->dynamic_shared = value;
    write_log("cuFuncSetAttribute %s 8 %d", function->text, value);
    return SUCCESS;
}

API int cuLaunchKernel(void *handle, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z,
                       unsigned shared, void *stream_handle, void **parameters, void **extra)
{
    ENTER("cuLaunchKernel");
    NEEDS_CONTEXT();
    STREAM(stream, stream_handle);
    object *function = check(handle, KIND_FUNCTION);
    if (function == NULL) {
        return INVALID_HANDLE;
    }
    if (extra != NULL || grid_x * grid_y * grid_z == 0 || block_x * block_y * block_z == 0 || block_x * block_y * block_z > 1024
        || (int)shared > function->dynamic_shared) {
        return INVALID_VALUE;
    }
    static char text[MAX_PARAMETERS * 9000];
    int length = snprintf(text, sizeof text, "cuLaunchKernel %s grid %u %u %u block %u %u %u shared %u", function->text, grid_x, grid_y, grid_z, block_x,
                          block_y, block_z, shared);
    size_t bytes = 1;
    work launch = {.what = WORK_LAUNCH, .function = function, .groups = {grid_x, grid_y, grid_z}, .threads = {block_x, block_y, block_z}, .shared = shared};
    for (int i = 0; i < machine_parameters(function->function); i++) {
        bytes = (size_t)(machine_parameter_offset(function->function, i) + machine_parameter_bytes(function->function, i));
    }
    launch.bytes = bytes;
    launch.parameters = calloc(1, bytes);
    for (int i = 0; i < machine_parameters(function->function); i++) {
        int size = machine_parameter_bytes(function->function, i);
        memcpy(launch.parameters + machine_parameter_offset(function->function, i), parameters[i], (size_t)size);
        text[length++] = ' ';
        for (int byte = 0; byte < size; byte++) {
            length += snprintf(text + length, sizeof text - (size_t)length, "%02x", ((unsigned char *)parameters[i])[byte]);
        }
    }
    return enqueue(stream, launch, text);
}
