/* The work of streams in the fake driver. Nothing runs before something asks for its end: a stream's, an event's, the context's. And then no more runs than
 * has to: the other streams stay where they are, so that a wait that was left out shows. Tests can ask for the other extreme (fake_set_order). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_cuda.h"

enum { NON_BLOCKING = 1 };

static object default_stream = {.what = KIND_STREAM, .live = 1};
static long clock_ticks, sequence;
static int others_first;

static int finish(object *queue);

/* 0: as late as possible. 1: before a stream or an event is finished, all that the other streams hold. */
API void fake_set_order(int value) { others_first = value; }

const char *stream_name(const object *stream)
{
    static char name[32];
    snprintf(name, sizeof name, stream == NULL ? "default" : "stream%d", stream == NULL ? 0 : stream->id);
    return name;
}

static object *queue_of(object *stream) { return stream == NULL ? &default_stream : stream; }

static void *copy_bytes(const void *from, size_t bytes)
{
    void *made = malloc(bytes);
    memcpy(made, from, bytes);
    return made;
}

static work copy_of(const work *one)
{
    work made = *one;
    made.text = one->text == NULL ? NULL : copy_bytes(one->text, strlen(one->text) + 1);
    made.parameters = one->parameters == NULL ? NULL : copy_bytes(one->parameters, one->bytes);
    return made;
}

void free_work(work *what)
{
    free(what->text);
    free(what->parameters);
    what->text = NULL;
    what->parameters = NULL;
}

static void drop(object *queue)
{
    while (queue->first != NULL) {
        work *one = queue->first;
        queue->first = one->next;
        free_work(one);
        free(one);
    }
    queue->last = NULL;
}

void reset_streams(void)
{
    for (int i = 0; i < object_count; i++) {
        drop(objects[i]);
    }
    drop(&default_stream);
    clock_ticks = sequence = 0;
    others_first = 0;
}

/* What a copy down will write is nothing to read before it has been waited for; unless a copy up that is still to come reads it. */
static void poison_target(const work *download)
{
    char *begin = download->host, *end_of = begin + download->bytes;
    for (int i = -1; i < object_count; i++) {
        for (const work *one = i < 0 ? default_stream.first : objects[i]->first; one != NULL; one = one->next) {
            if (one->what == WORK_UPLOAD && (char *)one->host < end_of && begin < (char *)one->host + one->bytes) {
                return;
            }
        }
    }
    machine_poison(download->host, download->bytes);
}

static void push(object *queue, work what)
{
    if (what.what == WORK_DOWNLOAD) {
        poison_target(&what);
    }
    work *made = copy_bytes(&what, sizeof what);
    made->sequence = ++sequence;
    made->next = NULL;
    if (queue->last == NULL) {
        queue->first = made;
    } else {
        queue->last->next = made;
    }
    queue->last = made;
}

int enqueue(object *stream, work what, const char *text)
{
    if (capture_stream != NULL && stream == capture_stream) {
        if (capture_graph->node_count == MAX_NODES) {
            capture_broken = 1;
            free_work(&what);
            return CAPTURE_UNSUPPORTED;
        }
        what.text = copy_bytes(text, strlen(text) + 1);
        capture_graph->nodes[capture_graph->node_count++] = what;
        write_log("captured %s", text);
        return SUCCESS;
    }
    write_log("%s %s", text, stream_name(stream));
    push(queue_of(stream), what);
    return SUCCESS;
}

/* The bytes of a copy on the device; without them the context is broken. */
static void *device_bytes(uint64_t address, size_t bytes)
{
    void *found = machine_host(address, bytes);
    if (found == NULL) {
        char text[256];
        snprintf(text, sizeof text, "freed-memory: a copy of %s", machine_describe(address, bytes));
        fault(ILLEGAL_ADDRESS, text);
    }
    return found;
}

static int run(const work *what)
{
    void *to, *from;
    switch (what->what) {
    case WORK_UPLOAD:
        if ((to = device_bytes(what->to, what->bytes)) != NULL) {
            memcpy(to, what->host, what->bytes);
            machine_wrote(what->to, what->bytes);
        }
        break;
    case WORK_DOWNLOAD:
        if ((from = device_bytes(what->from, what->bytes)) != NULL) {
            memcpy(what->host, from, what->bytes);
        }
        break;
    case WORK_COPY:
        if ((from = device_bytes(what->from, what->bytes)) != NULL && (to = device_bytes(what->to, what->bytes)) != NULL) {
            memmove(to, from, what->bytes);
            machine_copied(what->to, what->from, what->bytes);
        }
        break;
    case WORK_SET:
        if ((to = device_bytes(what->to, what->bytes)) != NULL) {
            memset(to, what->value, what->bytes);
            machine_wrote(what->to, what->bytes);
        }
        break;
    case WORK_LAUNCH:
        if (executes) {
            char text[2048];
            int code = machine_run(what->function->function, what->groups, what->threads, what->shared, what->parameters, text, sizeof text);
            if (code != SUCCESS) {
                fault(code, text);
            }
        }
        break;
    case WORK_RECORD: what->event->reached = what->recording > what->event->reached ? what->recording : what->event->reached; break;
    case WORK_WAIT: break;
    }
    return broken;
}

static int finish_up_to(object *queue, long last_sequence);

/* The default stream and those that were not made non-blocking wait for each other. */
static int finish_blockers(const object *queue, long before)
{
    if (queue == &default_stream) {
        for (int i = 0; i < object_count; i++) {
            if (objects[i]->what == KIND_STREAM && objects[i]->live && (objects[i]->flags & NON_BLOCKING) == 0
                && finish_up_to(objects[i], before) != SUCCESS) {
                return broken;
            }
        }
    } else if ((queue->flags & NON_BLOCKING) == 0) {
        return finish_up_to(&default_stream, before);
    }
    return broken;
}

static int finish_event(object *event, long recording)
{
    while (broken == SUCCESS && event->reached < recording) {
        /* An event is recorded on one stream after the other; whatever the stream is, the recording lies in some queue. */
        object *queue = NULL;
        long at = 0;
        for (int i = -1; i < object_count && queue == NULL; i++) {
            object *one = i < 0 ? &default_stream : objects[i];
            for (const work *item = one->first; item != NULL; item = item->next) {
                if (item->what == WORK_RECORD && item->event == event && item->recording == recording) {
                    queue = one;
                    at = item->sequence;
                }
            }
        }
        if (queue == NULL) {
            return broken;
        }
        finish_up_to(queue, at);
    }
    return broken;
}

static int finish_up_to(object *queue, long last_sequence)
{
    while (broken == SUCCESS && queue->first != NULL && queue->first->sequence <= last_sequence) {
        work *one = queue->first;
        if (finish_blockers(queue, one->sequence - 1) != SUCCESS || (one->what == WORK_WAIT && finish_event(one->event, one->recording) != SUCCESS)) {
            break;
        }
        queue->first = one->next;
        queue->last = one->next == NULL ? NULL : queue->last;
        run(one);
        free_work(one);
        free(one);
    }
    return broken;
}

static int finish(object *queue) { return finish_up_to(queue, sequence); }

int finish_all(void)
{
    finish(&default_stream);
    for (int i = 0; i < object_count; i++) {
        if (objects[i]->what == KIND_STREAM && objects[i]->live) {
            finish(objects[i]);
        }
    }
    return broken;
}

static void finish_others(const object *queue)
{
    for (int i = -1; others_first && i < object_count; i++) {
        object *other = i < 0 ? &default_stream : objects[i];
        if (other->what == KIND_STREAM && other->live && other != queue) {
            finish(other);
        }
    }
}

static int finish_for(object *queue)
{
    finish_others(queue);
    return finish(queue);
}

static int finish_for_event(object *event)
{
    finish_others(event->recorded_on);
    return finish_event(event, event->recorded);
}

/* --- copies --------------------------------------------------------------------------------------------------------------------------------- */

API int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *handle)
{
    ENTER("cuMemcpyHtoDAsync_v2");
    NEEDS_CONTEXT();
    STREAM(stream, handle);
    object *buffer = find_buffer(to, bytes);
    if (buffer == NULL) {
        return INVALID_VALUE;
    }
    /* Copies that run by themselves need memory that stays where it is. */
    object *host = find_host(from, bytes);
    if (host == NULL) {
        return NOT_PERMITTED;
    }
    char text[160];
    snprintf(text, sizeof text, "cuMemcpyHtoDAsync_v2 buffer%d+%td host%d+%td %zu", buffer->id, (ptrdiff_t)(to - buffer->address), host->id,
             (const char *)from - (char *)host->memory, bytes);
    return enqueue(stream, (work){.what = WORK_UPLOAD, .to = to, .host = (void *)(uintptr_t)from, .bytes = bytes}, text);
}

API int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *handle)
{
    ENTER("cuMemcpyDtoHAsync_v2");
    NEEDS_CONTEXT();
    STREAM(stream, handle);
    object *buffer = find_buffer(from, bytes);
    if (buffer == NULL) {
        return INVALID_VALUE;
    }
    object *host = find_host(to, bytes);
    if (host == NULL) {
        return NOT_PERMITTED;
    }
    char text[160];
    snprintf(text, sizeof text, "cuMemcpyDtoHAsync_v2 host%d+%td buffer%d+%td %zu", host->id, (char *)to - (char *)host->memory, buffer->id,
             (ptrdiff_t)(from - buffer->address), bytes);
    return enqueue(stream, (work){.what = WORK_DOWNLOAD, .host = to, .from = from, .bytes = bytes}, text);
}

API int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void *handle)
{
    ENTER("cuMemcpyDtoDAsync_v2");
    NEEDS_CONTEXT();
    STREAM(stream, handle);
    object *target = find_buffer(to, bytes), *source = find_buffer(from, bytes);
    if (target == NULL || source == NULL) {
        return INVALID_VALUE;
    }
    char text[160];
    snprintf(text, sizeof text, "cuMemcpyDtoDAsync_v2 buffer%d+%td buffer%d+%td %zu", target->id, (ptrdiff_t)(to - target->address), source->id,
             (ptrdiff_t)(from - source->address), bytes);
    return enqueue(stream, (work){.what = WORK_COPY, .to = to, .from = from, .bytes = bytes}, text);
}

API int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void *handle)
{
    ENTER("cuMemsetD8Async");
    NEEDS_CONTEXT();
    STREAM(stream, handle);
    object *buffer = find_buffer(to, bytes);
    if (buffer == NULL) {
        return INVALID_VALUE;
    }
    char text[160];
    snprintf(text, sizeof text, "cuMemsetD8Async buffer%d+%td %d %zu", buffer->id, (ptrdiff_t)(to - buffer->address), value, bytes);
    return enqueue(stream, (work){.what = WORK_SET, .to = to, .value = value, .bytes = bytes}, text);
}

/* --- streams, events, graphs --------------------------------------------------------------------------------------------------------------- */

API int cuStreamCreate(void **handle, unsigned flags)
{
    ENTER("cuStreamCreate");
    NEEDS_CONTEXT();
    object *stream = make(KIND_STREAM);
    if (stream == NULL) {
        return OUT_OF_MEMORY;
    }
    *handle = stream;
    stream->flags = flags;
    write_log("cuStreamCreate stream%d flags %u", stream->id, flags);
    return SUCCESS;
}

API int cuStreamDestroy_v2(void *handle)
{
    ENTER("cuStreamDestroy_v2");
    NEEDS_CONTEXT();
    object *stream = check(handle, KIND_STREAM);
    if (stream == NULL) {
        return INVALID_HANDLE;
    }
    int code = finish(queue_of(stream));
    end(stream);
    write_log("cuStreamDestroy_v2 stream%d", stream->id);
    return code;
}

API int cuStreamSynchronize(void *handle)
{
    ENTER("cuStreamSynchronize");
    NEEDS_CONTEXT();
    STREAM(stream, handle);
    NO_CAPTURE();
    write_log("cuStreamSynchronize %s", stream_name(stream));
    return finish_for(queue_of(stream));
}

API int cuStreamWaitEvent(void *handle, void *event_handle, unsigned flags)
{
    ENTER("cuStreamWaitEvent");
    NEEDS_CONTEXT();
    STREAM(stream, handle);
    object *event = check(event_handle, KIND_EVENT);
    if (event == NULL || flags != 0) {
        return INVALID_HANDLE;
    }
    write_log("cuStreamWaitEvent %s event%d", stream_name(stream), event->id);
    /* Of an event that was never recorded there is nothing to wait for. */
    if (event->recorded > event->reached) {
        push(queue_of(stream), (work){.what = WORK_WAIT, .event = event, .recording = event->recorded});
    }
    return SUCCESS;
}

API int cuStreamBeginCapture_v2(void *handle, int mode)
{
    ENTER("cuStreamBeginCapture_v2");
    NEEDS_CONTEXT();
    object *stream = check(handle, KIND_STREAM);
    if (stream == NULL || capture_stream != NULL) {
        return stream == NULL ? CAPTURE_UNSUPPORTED : INVALID_VALUE;
    }
    capture_stream = stream;
    capture_graph = make(KIND_GRAPH);
    capture_broken = 0;
    write_log("cuStreamBeginCapture_v2 stream%d mode %d", stream->id, mode);
    return SUCCESS;
}

API int cuStreamEndCapture(void *handle, void **graph)
{
    int code = injected("cuStreamEndCapture");
    NEEDS_CONTEXT();
    if (capture_stream == NULL || handle != capture_stream) {
        return INVALID_VALUE;
    }
    object *made = capture_graph;
    capture_stream = capture_graph = NULL;
    *graph = NULL;
    if (capture_broken || code != SUCCESS) {
        end(made);
        return code != SUCCESS ? code : CAPTURE_INVALIDATED;
    }
    *graph = made;
    write_log("cuStreamEndCapture graph%d nodes %d", made->id, made->node_count);
    return SUCCESS;
}

API int cuEventCreate(void **handle, unsigned flags)
{
    ENTER("cuEventCreate");
    NEEDS_CONTEXT();
    object *event = make(KIND_EVENT);
    if (event == NULL || (flags != 0 && flags != DISABLE_TIMING)) {
        return INVALID_VALUE;
    }
    event->untimed = flags == DISABLE_TIMING;
    *handle = event;
    write_log("cuEventCreate event%d%s", event->id, event->untimed ? " untimed" : "");
    return SUCCESS;
}

API int cuEventDestroy_v2(void *handle)
{
    ENTER("cuEventDestroy_v2");
    NEEDS_CONTEXT();
    object *event = check(handle, KIND_EVENT);
    if (event == NULL) {
        return INVALID_HANDLE;
    }
    end(event);
    write_log("cuEventDestroy_v2 event%d", event->id);
    return SUCCESS;
}

API int cuEventRecord(void *handle, void *stream_handle)
{
    ENTER("cuEventRecord");
    NEEDS_CONTEXT();
    STREAM(stream, stream_handle);
    object *event = check(handle, KIND_EVENT);
    if (event == NULL) {
        return INVALID_HANDLE;
    }
    event->recorded = ++clock_ticks;
    event->recorded_on = queue_of(stream);
    push(event->recorded_on, (work){.what = WORK_RECORD, .event = event, .recording = event->recorded});
    write_log("cuEventRecord event%d %s", event->id, stream_name(stream));
    return SUCCESS;
}

API int cuEventSynchronize(void *handle)
{
    ENTER("cuEventSynchronize");
    NEEDS_CONTEXT();
    NO_CAPTURE();
    object *event = check(handle, KIND_EVENT);
    if (event == NULL) {
        return INVALID_HANDLE;
    }
    return event->reached < event->recorded ? finish_for_event(event) : SUCCESS;
}

/* Every recording is half a millisecond after the one before. */
API int cuEventElapsedTime(float *milliseconds, void *first, void *second)
{
    ENTER("cuEventElapsedTime");
    NEEDS_CONTEXT();
    object *from = check(first, KIND_EVENT), *to = check(second, KIND_EVENT);
    if (from == NULL || to == NULL || from->recorded == 0 || to->recorded == 0 || from->untimed || to->untimed) {
        return INVALID_HANDLE;
    }
    if (from->reached < from->recorded || to->reached < to->recorded) {
        return NOT_READY;
    }
    *milliseconds = 0.5f * (float)(to->recorded - from->recorded);
    return SUCCESS;
}

#ifndef FAKE_WITHOUT_GRAPH_FLAGS
API int cuGraphInstantiateWithFlags(void **handle, void *graph_handle, unsigned long long flags)
{
    ENTER("cuGraphInstantiateWithFlags");
    NEEDS_CONTEXT();
    object *graph = check(graph_handle, KIND_GRAPH);
    if (graph == NULL || flags != 0) {
        return INVALID_HANDLE;
    }
    object *executable = make(KIND_EXECUTABLE);
    if (executable == NULL) {
        return OUT_OF_MEMORY;
    }
    executable->node_count = graph->node_count;
    for (int i = 0; i < graph->node_count; i++) {
        executable->nodes[i] = copy_of(&graph->nodes[i]);
    }
    *handle = executable;
    write_log("cuGraphInstantiateWithFlags executable%d graph%d", executable->id, graph->id);
    return SUCCESS;
}
#endif

API int cuGraphLaunch(void *handle, void *stream_handle)
{
    ENTER("cuGraphLaunch");
    NEEDS_CONTEXT();
    STREAM(stream, stream_handle);
    object *executable = check(handle, KIND_EXECUTABLE);
    if (executable == NULL) {
        return INVALID_HANDLE;
    }
    write_log("cuGraphLaunch executable%d %s", executable->id, stream_name(stream));
    for (int i = 0; i < executable->node_count; i++) {
        write_log("replayed %s", executable->nodes[i].text);
        push(queue_of(stream), copy_of(&executable->nodes[i]));
    }
    return SUCCESS;
}

static int destroy_graph(const char *name, void *handle, kind what)
{
    ENTER(name);
    NEEDS_CONTEXT();
    object *graph = check(handle, what);
    if (graph == NULL) {
        return INVALID_HANDLE;
    }
    end(graph);
    write_log("%s %s%d", name, kind_names[what], graph->id);
    return SUCCESS;
}

API int cuGraphDestroy(void *handle) { return destroy_graph("cuGraphDestroy", handle, KIND_GRAPH); }
API int cuGraphExecDestroy(void *handle) { return destroy_graph("cuGraphExecDestroy", handle, KIND_EXECUTABLE); }

