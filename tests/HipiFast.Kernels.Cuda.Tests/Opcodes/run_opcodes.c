/* Runs the .ptx files of this folder through a CUDA driver and compares every bit with what the files say must come out (make.py).
 *
 *   run_opcodes libcuda.so.1 FILE.ptx ...
 *
 * A line for each file: "NAME: ok", or what was wrong. Exit code 1 when something was. Needs no CUDA toolkit:  cc -o run_opcodes run_opcodes.c -ldl -lm */
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 32, MOST = 16 };

static int (*cuInit)(unsigned), (*cuDeviceGet)(int *, int), (*cuDevicePrimaryCtxRetain)(void **, int), (*cuCtxPushCurrent)(void *),
    (*cuModuleLoadDataEx)(void **, const void *, unsigned, int *, void **), (*cuModuleGetFunction)(void **, void *, const char *), (*cuModuleUnload)(void *),
    (*cuMemAlloc)(uint64_t *, size_t), (*cuMemHostAlloc)(void **, size_t, unsigned), (*cuStreamCreate)(void **, unsigned), (*cuStreamSynchronize)(void *),
    (*cuMemcpyHtoDAsync)(uint64_t, const void *, size_t, void *), (*cuMemcpyDtoHAsync)(void *, uint64_t, size_t, void *),
    (*cuMemsetD8Async)(uint64_t, unsigned char, size_t, void *),
    (*cuLaunchKernel)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **);

static void *library, *stream;
static uint64_t device_in, device_out, *host_in, *host_out;

static void check(int code, const char *what)
{
    if (code != 0) {
        printf("%s failed: error %d\n", what, code);
        exit(1);
    }
}

static void *entry(const char *name)
{
    void *found = dlsym(library, name);
    if (found == NULL) {
        printf("the driver has no %s\n", name);
        exit(1);
    }
    return found;
}

static void start(const char *path)
{
    library = dlopen(path, RTLD_NOW);
    if (library == NULL) {
        printf("%s\n", dlerror());
        exit(1);
    }
    *(void **)&cuInit = entry("cuInit");
    *(void **)&cuDeviceGet = entry("cuDeviceGet");
    *(void **)&cuDevicePrimaryCtxRetain = entry("cuDevicePrimaryCtxRetain");
    *(void **)&cuCtxPushCurrent = entry("cuCtxPushCurrent_v2");
    *(void **)&cuModuleLoadDataEx = entry("cuModuleLoadDataEx");
    *(void **)&cuModuleGetFunction = entry("cuModuleGetFunction");
    *(void **)&cuModuleUnload = entry("cuModuleUnload");
    *(void **)&cuMemAlloc = entry("cuMemAlloc_v2");
    *(void **)&cuMemHostAlloc = entry("cuMemHostAlloc");
    *(void **)&cuStreamCreate = entry("cuStreamCreate");
    *(void **)&cuStreamSynchronize = entry("cuStreamSynchronize");
    *(void **)&cuMemcpyHtoDAsync = entry("cuMemcpyHtoDAsync_v2");
    *(void **)&cuMemcpyDtoHAsync = entry("cuMemcpyDtoHAsync_v2");
    *(void **)&cuMemsetD8Async = entry("cuMemsetD8Async");
    *(void **)&cuLaunchKernel = entry("cuLaunchKernel");
    int device;
    void *context;
    size_t bytes = LANES * MOST * sizeof(uint64_t);
    check(cuInit(0), "cuInit");
    check(cuDeviceGet(&device, 0), "cuDeviceGet");
    check(cuDevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain");
    check(cuCtxPushCurrent(context), "cuCtxPushCurrent");
    check(cuStreamCreate(&stream, 1), "cuStreamCreate");
    check(cuMemAlloc(&device_in, bytes), "cuMemAlloc");
    check(cuMemAlloc(&device_out, bytes), "cuMemAlloc");
    check(cuMemHostAlloc((void **)&host_in, bytes, 0), "cuMemHostAlloc");
    check(cuMemHostAlloc((void **)&host_out, bytes, 0), "cuMemHostAlloc");
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    size_t got = fread(text, 1, (size_t)size, file);
    text[got] = 0;
    fclose(file);
    return text;
}

/* "// in: 32 64": how many, and the bits of each. */
static int read_columns(const char *text, const char *heading, int *bits)
{
    const char *at = strstr(text, heading);
    int count = 0;
    if (at != NULL) {
        for (char *end = (char *)at + strlen(heading); *end != '\n' && count < MOST;) {
            bits[count++] = (int)strtol(end, &end, 10);
        }
    }
    return count;
}

static double read_bound(const char *text, const char *word)
{
    const char *at = strstr(text, "// error: "), *line = at == NULL ? NULL : strchr(at, '\n'), *found = at == NULL ? NULL : strstr(at, word);
    if (found == NULL || found > line) {
        return 0;
    }
    return strcmp(word, "ulp") == 0 ? strtod(at + strlen("// error: "), NULL) : strtod(found + strlen(word), NULL);
}

static float float_of(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return value;
}

static int agrees(uint64_t expected, uint64_t found, double ulps, double absolute, double relative)
{
    if (expected == found) {
        return 1;
    }
    double a = float_of(expected), b = float_of(found), difference = fabs(a - b);
    return ((ulps > 0 || absolute > 0 || relative > 0) && difference <= absolute + relative * fabs(a)) || (ulps > 0 && llabs((long long)expected - (long long)found) <= ulps);
}

static int run(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    char *text = read_file(path);
    int in_bits[MOST], out_bits[MOST], inputs = text == NULL ? 0 : read_columns(text, "// in:", in_bits), cases = 0;
    int outputs = text == NULL ? 0 : read_columns(text, "// out:", out_bits);
    if (inputs == 0 || outputs == 0) {
        printf("%s: cannot be read\n", name);
        return 1;
    }
    double ulps = read_bound(text, "ulp"), absolute = read_bound(text, "absolute"), relative = read_bound(text, "relative");
    static uint64_t expected[LANES][MOST];
    for (char *line = text; line != NULL && strncmp(line, "//", 2) == 0 && cases < LANES; line = strchr(line, '\n'), line += line != NULL) {
        char *arrow = strstr(line, " -> "), *end = strchr(line, '\n'), *at = line + 2;
        if (arrow == NULL || arrow > end) {
            continue;
        }
        for (int i = 0; i < inputs; i++) {
            host_in[cases * inputs + i] = strtoull(at, &at, 16);
        }
        at = arrow + 4;
        for (int i = 0; i < outputs; i++) {
            expected[cases][i] = strtoull(at, &at, 16);
        }
        cases++;
    }
    for (int lane = cases; lane < LANES && cases > 0; lane++) {
        memcpy(host_in + lane * inputs, host_in, (size_t)inputs * sizeof *host_in);
        memcpy(expected[lane], expected[0], sizeof expected[0]);
    }
    void *module, *function, *parameters[] = {&device_in, &device_out};
    static char log[4096];
    int options[] = {5, 6};
    void *values[] = {log, (void *)(uintptr_t)sizeof log};
    log[0] = 0;
    int code = cases == 0 ? -1 : cuModuleLoadDataEx(&module, text, 2, options, values);
    free(text);
    if (code != 0) {
        printf("%s: does not load: error %d %s\n", name, code, log);
        return 1;
    }
    check(cuModuleGetFunction(&function, module, "opcode"), "cuModuleGetFunction");
    check(cuMemcpyHtoDAsync(device_in, host_in, (size_t)(LANES * inputs) * sizeof *host_in, stream), "cuMemcpyHtoDAsync");
    check(cuMemsetD8Async(device_out, 0xA5, (size_t)(LANES * outputs) * sizeof *host_out, stream), "cuMemsetD8Async");
    code = cuLaunchKernel(function, 1, 1, 1, LANES, 1, 1, 0, stream, parameters, NULL);
    check(cuMemcpyDtoHAsync(host_out, device_out, (size_t)(LANES * outputs) * sizeof *host_out, stream), "cuMemcpyDtoHAsync");
    code = code != 0 ? code : cuStreamSynchronize(stream);
    if (code != 0) {
        printf("%s: does not run: error %d\n", name, code);
        exit(1); /* nothing runs after it */
    }
    int wrong = 0;
    for (int lane = 0; lane < LANES && wrong == 0; lane++) {
        for (int i = 0; i < outputs && wrong == 0; i++) {
            uint64_t found = host_out[lane * outputs + i] & (out_bits[i] == 64 ? ~0ull : (1ull << out_bits[i]) - 1);
            if (!agrees(expected[lane][i], found, ulps, absolute, relative)) {
                printf("%s: lane %d, output %d: expected %llX, found %llX\n", name, lane, i, (unsigned long long)expected[lane][i], (unsigned long long)found);
                wrong = 1;
            }
        }
    }
    check(cuModuleUnload(module), "cuModuleUnload");
    if (wrong == 0) {
        printf("%s: ok\n", name);
    }
    return wrong;
}

int main(int count, char **arguments)
{
    if (count < 3) {
        fprintf(stderr, "usage: run_opcodes DRIVER FILE.ptx ...\n");
        return 2;
    }
    start(arguments[1]);
    int wrong = 0;
    for (int i = 2; i < count; i++) {
        wrong += run(arguments[i]);
    }
    printf("%d of %d operations are as the manual says\n", count - 2 - wrong, count - 2);
    return wrong != 0;
}
