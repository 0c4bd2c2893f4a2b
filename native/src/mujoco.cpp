// The C ABI over MuJoCo: see hipifast/mujoco.h.
#include "hipifast/mujoco.h"

#include <mujoco/mujoco.h>

#include <csetjmp>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>

struct hf_mj_model {
    mjModel* model;
};

struct hf_mj_simulator {
    const mjModel* model;
    mjData* data;
};

namespace {

constexpr size_t MessageSize = 1024;
constexpr char ModelName[] = "model.xml";

thread_local char last_error[MessageSize] = "";

// Where mju_error returns to while a call of this library is under way on this thread. MuJoCo is C below these calls, and the frames of this file
// that are jumped over own nothing.
thread_local std::jmp_buf* escape = nullptr;

void (*previous_error)(const char*) = nullptr;
void (*previous_warning)(const char*) = nullptr;

void remember(const char* message) { std::snprintf(last_error, MessageSize, "%s", message ? message : ""); }

// mju_error ends the process when its handler returns: inside a guarded call the handler therefore never does.
void on_error(const char* message) {
    if (escape) {
        remember(message);
        std::longjmp(*escape, 1);
    }
    if (previous_error) {
        previous_error(message);
    }
}

// Warnings are counted in mjData, where `run` looks for them; the console and the log file are left alone.
void on_warning(const char* message) {
    if (escape) {
        remember(message);
    } else if (previous_warning) {
        previous_warning(message);
    }
}

std::once_flag handlers_installed;

// MuJoCo keeps the last model it read for itself: one at a time.
std::mutex loading;

void install_handlers() {
    std::call_once(handlers_installed, [] {
        previous_error = mju_user_error;
        previous_warning = mju_user_warning;
        mju_user_error = on_error;
        mju_user_warning = on_warning;
    });
}

// Runs `action` with MuJoCo's fatal errors turned into HF_MJ_ERROR. `action` must own nothing that needs a destructor.
template <class Action>
int32_t guarded(const Action& action) {
    install_handlers();
    last_error[0] = 0;
    std::jmp_buf target;
    std::jmp_buf* const outer = escape;
    if (setjmp(target) != 0) {
        escape = outer;
        return HF_MJ_ERROR;
    }
    escape = &target;
    int32_t status;
    try {
        status = action();
    } catch (const std::bad_alloc&) {
        status = HF_MJ_NO_MEMORY;
    } catch (...) {
        remember("MuJoCo threw an exception");
        status = HF_MJ_ERROR;
    }
    escape = outer;
    return status;
}

int32_t state_size(const mjModel* m) { return 1 + m->nq + 2 * m->nv + m->na + 7 * m->nmocap; }

// Visits every part of a state in its order.
template <class Visit>
void for_each_part(const mjModel* m, mjData* d, const Visit& visit) {
    visit(&d->time, 1);
    visit(d->qpos, m->nq);
    visit(d->qvel, m->nv);
    visit(d->act, m->na);
    visit(d->qacc_warmstart, m->nv);
    visit(d->mocap_pos, 3 * m->nmocap);
    visit(d->mocap_quat, 4 * m->nmocap);
}

void load_state(const mjModel* m, mjData* d, const double* state) {
    for_each_part(m, d, [&state](mjtNum* part, int count) {
        std::memcpy(part, state, sizeof(double) * count);
        state += count;
    });
}

void store_state(const mjModel* m, mjData* d, double* state) {
    for_each_part(m, d, [&state](const mjtNum* part, int count) {
        std::memcpy(state, part, sizeof(double) * count);
        state += count;
    });
}

bool all_finite(const double* values, int count) {
    for (int i = 0; i < count; i++) {
        if (!std::isfinite(values[i])) {
            return false;
        }
    }
    return true;
}

int32_t check_state(const hf_mj_simulator* simulator, const double* state, int32_t size) {
    if (!simulator || !state) {
        return HF_MJ_NULL_POINTER;
    }
    if (size != state_size(simulator->model)) {
        return HF_MJ_BAD_SIZE;
    }
    return all_finite(state, size) ? HF_MJ_OK : HF_MJ_NOT_FINITE;
}

int32_t check_readings(const mjModel* m, const double* readings, int32_t count) {
    if (count != m->nsensordata) {
        return HF_MJ_BAD_SIZE;
    }
    return count > 0 && !readings ? HF_MJ_NULL_POINTER : HF_MJ_OK;
}

bool has_warned(const mjData* d) {
    for (int i = 0; i < mjNWARNING; i++) {
        if (d->warning[i].number > 0) {
            return true;
        }
    }
    return false;
}

// Puts a state into the simulator, lets `compute` work on it, and makes the simulator usable again whatever happened.
template <class Compute>
int32_t run(hf_mj_simulator* simulator, const double* state, const Compute& compute) {
    const mjModel* m = simulator->model;
    mjData* d = simulator->data;
    const int32_t status = guarded([&]() -> int32_t {
        load_state(m, d, state);
        compute(m, d);
        return has_warned(d) ? HF_MJ_UNSTABLE : HF_MJ_OK;
    });
    if (status != HF_MJ_OK) {
        char said[MessageSize];
        std::memcpy(said, last_error, MessageSize);
        guarded([&]() -> int32_t {
            mj_resetData(m, d);
            return HF_MJ_OK;
        });
        std::memcpy(last_error, said, MessageSize);
    }
    return status;
}

void forward_without_control(const mjModel* m, mjData* d) {
    mju_zero(d->ctrl, m->nu);
    mj_forward(m, d);
}

int object_type(int32_t kind) {
    switch (kind) {
        case HF_MJ_BODY: return mjOBJ_BODY;
        case HF_MJ_JOINT: return mjOBJ_JOINT;
        case HF_MJ_GEOM: return mjOBJ_GEOM;
        case HF_MJ_SITE: return mjOBJ_SITE;
        case HF_MJ_ACTUATOR: return mjOBJ_ACTUATOR;
        case HF_MJ_SENSOR: return mjOBJ_SENSOR;
        default: return mjOBJ_UNKNOWN;
    }
}

// Puts the text where mj_loadXML finds it. The caller frees the file system whatever comes back.
int add_text(mjVFS* files, const char* xml, size_t length) {
#if defined(HF_MJ_HAS_BUFFER_VFS)
    return mj_addBufferVFS(files, ModelName, xml, static_cast<int>(length));
#else
    const int result = mj_makeEmptyFileVFS(files, ModelName, static_cast<int>(length));
    if (result == 0) {
        std::memcpy(files->filedata[mj_findFileVFS(files, ModelName)], xml, length);
    }
    return result;
#endif
}

}  // namespace

extern "C" {

int32_t hf_mj_abi_version(void) { return HF_MJ_ABI_VERSION; }

int32_t hf_mj_header_version(void) { return mjVERSION_HEADER; }

int32_t hf_mj_mujoco_version(void) { return mj_version(); }

const char* hf_mj_status_message(int32_t status) {
    switch (status) {
        case HF_MJ_OK: return "success";
        case HF_MJ_NULL_POINTER: return "a pointer that must not be null is";
        case HF_MJ_BAD_SIZE: return "a count is out of its range, or a buffer too short";
        case HF_MJ_BAD_MODEL: return "MuJoCo does not accept the model";
        case HF_MJ_NOT_FOUND: return "the model has nothing of that kind and name";
        case HF_MJ_UNSTABLE: return "the simulation diverged or ran out of room for contacts";
        case HF_MJ_NO_MEMORY: return "memory is not to be had";
        case HF_MJ_ERROR: return "MuJoCo stopped with an error";
        case HF_MJ_NOT_FINITE: return "a state or a control holds a number that is not finite";
        default: return "unknown status";
    }
}

const char* hf_mj_last_error(void) { return last_error; }

int32_t hf_mj_load(const char* xml, size_t length, hf_mj_model** model) {
    if (!xml || !model) {
        return HF_MJ_NULL_POINTER;
    }
    *model = nullptr;
    if (length == 0 || length > HF_MJ_MAX_XML) {
        return HF_MJ_BAD_SIZE;
    }

    // The file system of MuJoCo 2 is 2 MB: too large for the stack of a thread.
    std::unique_ptr<mjVFS> files(new (std::nothrow) mjVFS);
    std::unique_ptr<hf_mj_model> result(new (std::nothrow) hf_mj_model{nullptr});
    if (!files || !result) {
        return HF_MJ_NO_MEMORY;
    }
    char message[MessageSize] = "";
    mjModel* loaded = nullptr;
    const std::lock_guard<std::mutex> lock(loading);
    mj_defaultVFS(files.get());
    int32_t status = guarded([&]() -> int32_t {
        if (add_text(files.get(), xml, length) == 0) {
            loaded = mj_loadXML(ModelName, files.get(), message, static_cast<int>(MessageSize));
        }
        return loaded ? HF_MJ_OK : HF_MJ_BAD_MODEL;
    });
    mj_deleteVFS(files.get());
    if (status == HF_MJ_ERROR) {
        status = HF_MJ_BAD_MODEL;
    } else if (status == HF_MJ_BAD_MODEL) {
        remember(message);
    }
    if (status == HF_MJ_OK) {
        result->model = loaded;
        *model = result.release();
    }
    return status;
}

void hf_mj_free_model(hf_mj_model* model) {
    if (model) {
        mj_deleteModel(model->model);
        delete model;
    }
}

int32_t hf_mj_get_sizes(const hf_mj_model* model, hf_mj_sizes* sizes) {
    if (!model || !sizes) {
        return HF_MJ_NULL_POINTER;
    }
    const mjModel* m = model->model;
    *sizes = hf_mj_sizes{state_size(m), static_cast<int32_t>(m->nq), static_cast<int32_t>(m->nv), static_cast<int32_t>(m->na),
                         static_cast<int32_t>(m->nmocap), static_cast<int32_t>(m->nu), static_cast<int32_t>(m->nsensordata),
                         static_cast<int32_t>(m->nbody), static_cast<int32_t>(m->ngeom), m->opt.timestep};
    return HF_MJ_OK;
}

int32_t hf_mj_find(const hf_mj_model* model, int32_t kind, const char* name, hf_mj_place* place) {
    if (!model || !name || !place) {
        return HF_MJ_NULL_POINTER;
    }
    const int type = object_type(kind);
    if (type == mjOBJ_UNKNOWN) {
        return HF_MJ_BAD_SIZE;
    }
    const mjModel* m = model->model;
    const int id = mj_name2id(m, type, name);
    if (id < 0) {
        return HF_MJ_NOT_FOUND;
    }
    *place = hf_mj_place{id, -1, -1, 0, 0, 0};
    if (kind == HF_MJ_JOINT) {
        place->address = m->jnt_qposadr[id];
        place->velocity = m->jnt_dofadr[id];
        place->limited = m->jnt_limited[id] != 0;
        place->low = m->jnt_range[2 * id];
        place->high = m->jnt_range[2 * id + 1];
    } else if (kind == HF_MJ_ACTUATOR) {
        place->limited = m->actuator_ctrllimited[id] != 0;
        place->low = m->actuator_ctrlrange[2 * id];
        place->high = m->actuator_ctrlrange[2 * id + 1];
    } else if (kind == HF_MJ_SENSOR) {
        place->address = m->sensor_adr[id];
    }
    return HF_MJ_OK;
}

int32_t hf_mj_make_simulator(const hf_mj_model* model, hf_mj_simulator** simulator) {
    if (!model || !simulator) {
        return HF_MJ_NULL_POINTER;
    }
    *simulator = nullptr;
    std::unique_ptr<hf_mj_simulator> result(new (std::nothrow) hf_mj_simulator{model->model, nullptr});
    if (!result) {
        return HF_MJ_NO_MEMORY;
    }
    const int32_t status = guarded([&]() -> int32_t {
        result->data = mj_makeData(model->model);
        return result->data ? HF_MJ_OK : HF_MJ_NO_MEMORY;
    });
    if (status == HF_MJ_OK) {
        *simulator = result.release();
    }
    return status;
}

void hf_mj_free_simulator(hf_mj_simulator* simulator) {
    if (simulator) {
        mj_deleteData(simulator->data);
        delete simulator;
    }
}

int32_t hf_mj_initial_state(hf_mj_simulator* simulator, double* state, int32_t size) {
    if (!simulator || !state) {
        return HF_MJ_NULL_POINTER;
    }
    if (size != state_size(simulator->model)) {
        return HF_MJ_BAD_SIZE;
    }
    return guarded([&]() -> int32_t {
        mj_resetData(simulator->model, simulator->data);
        store_state(simulator->model, simulator->data, state);
        return HF_MJ_OK;
    });
}

int32_t hf_mj_step(hf_mj_simulator* simulator, const double* control, int32_t control_count, int32_t substeps, double* state, int32_t size,
                   double* readings, int32_t reading_count) {
    int32_t status = check_state(simulator, state, size);
    if (status == HF_MJ_OK) {
        status = check_readings(simulator->model, readings, reading_count);
    }
    if (status != HF_MJ_OK) {
        return status;
    }
    if (control_count != simulator->model->nu || substeps < 1 || substeps > HF_MJ_MAX_SUBSTEPS) {
        return HF_MJ_BAD_SIZE;
    }
    if (control_count > 0 && !control) {
        return HF_MJ_NULL_POINTER;
    }
    if (!all_finite(control, control_count)) {
        return HF_MJ_NOT_FINITE;
    }
    return run(simulator, state, [=](const mjModel* m, mjData* d) {
        if (control_count > 0) {
            std::memcpy(d->ctrl, control, sizeof(double) * control_count);
        }

        // Stopped at the first warning: MuJoCo would go on from its initial state.
        for (int substep = 0; substep < substeps && !has_warned(d); substep++) {
            mj_step(m, d);
        }

        // Positions and velocities as they are now, without solving for the next step's forces.
        mj_step1(m, d);
        if (!has_warned(d)) {
            store_state(m, d, state);
            if (reading_count > 0) {
                std::memcpy(readings, d->sensordata, sizeof(double) * reading_count);
            }
        }
    });
}

int32_t hf_mj_read(hf_mj_simulator* simulator, const double* state, int32_t size, double* readings, int32_t reading_count,
                   int32_t* contact_count) {
    int32_t status = check_state(simulator, state, size);
    if (status == HF_MJ_OK) {
        status = check_readings(simulator->model, readings, reading_count);
    }
    if (status != HF_MJ_OK) {
        return status;
    }
    return run(simulator, state, [=](const mjModel* m, mjData* d) {
        forward_without_control(m, d);
        if (reading_count > 0) {
            std::memcpy(readings, d->sensordata, sizeof(double) * reading_count);
        }
        if (contact_count) {
            *contact_count = d->ncon;
        }
    });
}

int32_t hf_mj_energy(hf_mj_simulator* simulator, const double* state, int32_t size, double* potential, double* kinetic) {
    const int32_t status = check_state(simulator, state, size);
    if (status != HF_MJ_OK) {
        return status;
    }
    if (!potential || !kinetic) {
        return HF_MJ_NULL_POINTER;
    }
    if (!(simulator->model->opt.enableflags & mjENBL_ENERGY)) {
        remember("the model does not enable the flag energy");
        return HF_MJ_BAD_MODEL;
    }
    return run(simulator, state, [=](const mjModel* m, mjData* d) {
        forward_without_control(m, d);
        *potential = d->energy[0];
        *kinetic = d->energy[1];
    });
}

int32_t hf_mj_contacts(hf_mj_simulator* simulator, const double* state, int32_t size, hf_mj_contact* contacts, int32_t capacity,
                       int32_t* count) {
    const int32_t status = check_state(simulator, state, size);
    if (status != HF_MJ_OK) {
        return status;
    }
    if (!count || (capacity > 0 && !contacts)) {
        return HF_MJ_NULL_POINTER;
    }
    if (capacity < 0) {
        return HF_MJ_BAD_SIZE;
    }
    return run(simulator, state, [=](const mjModel* m, mjData* d) {
        forward_without_control(m, d);
        *count = d->ncon;
        for (int i = 0; i < d->ncon && i < capacity; i++) {
            mjtNum force[6] = {};
            mj_contactForce(m, d, i, force);
            const mjContact& contact = d->contact[i];
            contacts[i] = hf_mj_contact{contact.geom1, contact.geom2, contact.dist, force[0]};
        }
    });
}

int32_t hf_mj_geoms(hf_mj_simulator* simulator, const double* state, int32_t size, hf_mj_geom* geoms, int32_t capacity) {
    const int32_t status = check_state(simulator, state, size);
    if (status != HF_MJ_OK) {
        return status;
    }
    if (!geoms) {
        return HF_MJ_NULL_POINTER;
    }
    if (capacity < simulator->model->ngeom) {
        return HF_MJ_BAD_SIZE;
    }
    return run(simulator, state, [=](const mjModel* m, mjData* d) {
        mj_kinematics(m, d);
        for (int i = 0; i < m->ngeom; i++) {
            hf_mj_geom& geom = geoms[i];
            geom.type = m->geom_type[i];
            geom.body = m->geom_bodyid[i];
            std::memcpy(geom.size, m->geom_size + 3 * i, sizeof geom.size);
            std::memcpy(geom.position, d->geom_xpos + 3 * i, sizeof geom.position);
            std::memcpy(geom.rotation, d->geom_xmat + 9 * i, sizeof geom.rotation);
            std::memcpy(geom.rgba, m->geom_rgba + 4 * i, sizeof geom.rgba);
        }
    });
}

}  // extern "C"
