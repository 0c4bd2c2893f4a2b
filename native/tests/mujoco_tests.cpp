// Tests of the C ABI over MuJoCo: refusals, errors that MuJoCo would end the process for, purity of a step, energy. Prints one line per failure;
// exits with 1 when anything failed.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "hipifast/mujoco.h"

namespace {

int failures = 0;
int checks = 0;

void check(bool holds, const char* what) {
    checks++;
    if (!holds) {
        failures++;
        std::printf("FAILED %s (%s)\n", what, hf_mj_last_error());
    }
}

void expect(int32_t expected, int32_t found, const char* what) {
    checks++;
    if (expected != found) {
        failures++;
        std::printf("FAILED %s: expected status %d, found %d (%s; %s)\n", what, expected, found, hf_mj_status_message(found), hf_mj_last_error());
    }
}

// A pendulum without friction beside a ball that falls onto a floor.
const std::string Pendulum =
    "<mujoco><option timestep='0.001' integrator='RK4'><flag energy='enable'/></option><worldbody>"
    "<geom name='floor' type='plane' size='5 5 1' contype='1' conaffinity='1'/>"
    "<body pos='0 0 3'><joint name='swing' type='hinge' axis='0 1 0'/><geom type='capsule' fromto='0 0 0 0 0 -1' size='0.05' contype='0' "
    "conaffinity='0'/></body><body name='ball' pos='1 0 1'><joint name='free' type='free'/><geom name='ball' size='0.1'/></body></worldbody>"
    "<actuator><motor name='motor' joint='swing' ctrllimited='true' ctrlrange='-2 2'/></actuator>"
    "<sensor><jointpos name='angle' joint='swing'/><framepos name='place' objtype='body' objname='ball'/></sensor></mujoco>";

hf_mj_model* load(const std::string& xml) {
    hf_mj_model* model = nullptr;
    expect(HF_MJ_OK, hf_mj_load(xml.data(), xml.size(), &model), "load");
    return model;
}

void test_loading() {
    hf_mj_model* model = nullptr;
    expect(HF_MJ_NULL_POINTER, hf_mj_load(nullptr, 1, &model), "no text");
    expect(HF_MJ_NULL_POINTER, hf_mj_load("x", 1, nullptr), "no result");
    expect(HF_MJ_BAD_SIZE, hf_mj_load("x", 0, &model), "empty text");
    expect(HF_MJ_BAD_SIZE, hf_mj_load("x", size_t{HF_MJ_MAX_XML} + 1, &model), "long text");
    for (const char* xml : {"<mujoco", "<mujoco><nonsense/></mujoco>", "<mujoco><worldbody><body><joint/></body></worldbody></mujoco>",
                            "<mujoco><worldbody><geom size='-1'/></worldbody></mujoco>"}) {
        expect(HF_MJ_BAD_MODEL, hf_mj_load(xml, std::strlen(xml), &model), xml);
        check(model == nullptr && hf_mj_last_error()[0] != 0, "a bad model leaves nothing but a message");
    }

    // Text without a terminating zero, in a buffer of its exact length.
    std::vector<char> exact(Pendulum.begin(), Pendulum.end());
    expect(HF_MJ_OK, hf_mj_load(exact.data(), exact.size(), &model), "exact length");
    hf_mj_free_model(model);
    hf_mj_free_model(nullptr);
    hf_mj_free_simulator(nullptr);
}

void test_look_up() {
    hf_mj_model* model = load(Pendulum);
    hf_mj_sizes sizes;
    expect(HF_MJ_NULL_POINTER, hf_mj_get_sizes(nullptr, &sizes), "sizes of nothing");
    expect(HF_MJ_OK, hf_mj_get_sizes(model, &sizes), "sizes");
    check(sizes.positions == 8 && sizes.velocities == 7 && sizes.controls == 1 && sizes.sensors == 4 && sizes.state == 1 + 8 + 14, "sizes");
    hf_mj_place place;
    expect(HF_MJ_OK, hf_mj_find(model, HF_MJ_SENSOR, "place", &place), "sensor");
    check(place.address == 1, "a sensor's address");
    expect(HF_MJ_OK, hf_mj_find(model, HF_MJ_ACTUATOR, "motor", &place), "actuator");
    check(place.limited == 1 && place.low == -2 && place.high == 2, "an actuator's range");
    expect(HF_MJ_OK, hf_mj_find(model, HF_MJ_JOINT, "free", &place), "joint");
    check(place.address == 1 && place.velocity == 1 && place.limited == 0, "a joint's addresses");
    expect(HF_MJ_NOT_FOUND, hf_mj_find(model, HF_MJ_JOINT, "motor", &place), "another kind's name");
    expect(HF_MJ_BAD_SIZE, hf_mj_find(model, 6, "motor", &place), "no such kind");
    expect(HF_MJ_BAD_SIZE, hf_mj_find(model, -1, "motor", &place), "no such kind");
    hf_mj_free_model(model);
}

void test_stepping() {
    hf_mj_model* model = load(Pendulum);
    hf_mj_sizes sizes;
    hf_mj_get_sizes(model, &sizes);
    hf_mj_simulator *first = nullptr, *second = nullptr;
    expect(HF_MJ_NULL_POINTER, hf_mj_make_simulator(nullptr, &first), "simulator of nothing");
    expect(HF_MJ_OK, hf_mj_make_simulator(model, &first), "simulator");
    expect(HF_MJ_OK, hf_mj_make_simulator(model, &second), "simulator");
    std::vector<double> state(sizes.state), other(sizes.state), readings(sizes.sensors), other_readings(sizes.sensors);
    expect(HF_MJ_OK, hf_mj_initial_state(first, state.data(), sizes.state), "initial state");
    const double control = 0.5;
    expect(HF_MJ_BAD_SIZE, hf_mj_step(first, &control, 1, 1, state.data(), sizes.state - 1, readings.data(), 4), "short state");
    expect(HF_MJ_BAD_SIZE, hf_mj_step(first, &control, 2, 1, state.data(), sizes.state, readings.data(), 4), "long control");
    expect(HF_MJ_BAD_SIZE, hf_mj_step(first, &control, 1, 0, state.data(), sizes.state, readings.data(), 4), "no substeps");
    expect(HF_MJ_BAD_SIZE, hf_mj_step(first, &control, 1, 1, state.data(), sizes.state, readings.data(), 3), "short readings");
    expect(HF_MJ_NULL_POINTER, hf_mj_step(first, nullptr, 1, 1, state.data(), sizes.state, readings.data(), 4), "no control");
    expect(HF_MJ_NULL_POINTER, hf_mj_step(first, &control, 1, 1, nullptr, sizes.state, readings.data(), 4), "no state");
    expect(HF_MJ_NULL_POINTER, hf_mj_step(nullptr, &control, 1, 1, state.data(), sizes.state, readings.data(), 4), "no simulator");
    const double infinite = std::numeric_limits<double>::infinity();
    expect(HF_MJ_NOT_FINITE, hf_mj_step(first, &infinite, 1, 1, state.data(), sizes.state, readings.data(), 4), "infinite control");

    // The second simulator has done something else before; a step must not remember it.
    expect(HF_MJ_OK, hf_mj_initial_state(second, other.data(), sizes.state), "initial state");
    const double strong = 2;
    expect(HF_MJ_OK, hf_mj_step(second, &strong, 1, 1000, other.data(), sizes.state, other_readings.data(), 4), "another path");
    other = state;
    for (int i = 0; i < 40; i++) {
        expect(HF_MJ_OK, hf_mj_step(first, &control, 1, 20, state.data(), sizes.state, readings.data(), 4), "step");
        hf_mj_simulator* alternating = i % 2 ? first : second;
        expect(HF_MJ_OK, hf_mj_step(alternating, &control, 1, 20, other.data(), sizes.state, other_readings.data(), 4), "step");
    }
    check(std::memcmp(state.data(), other.data(), sizeof(double) * state.size()) == 0, "a step is a function of state and control");
    check(std::memcmp(readings.data(), other_readings.data(), sizeof(double) * readings.size()) == 0, "and so are its readings");
    check(readings[0] == state[1], "the readings are those after the step");

    // The ball has fallen by now: the floor carries its weight, and it has not sunk in.
    expect(HF_MJ_OK, hf_mj_step(first, &control, 1, 4000, state.data(), sizes.state, readings.data(), 4), "step");
    hf_mj_contact contact;
    int32_t count = 0;
    expect(HF_MJ_OK, hf_mj_contacts(first, state.data(), sizes.state, &contact, 1, &count), "contacts");
    const double weight = 9.81 * 1000 * 4.0 / 3 * std::acos(-1.0) * 0.001;
    check(count == 1 && std::fabs(contact.normal_force - weight) < 0.01 * weight, "the floor carries the ball");
    check(std::fabs(readings[3] - 0.1) < 0.005, "the ball rests on the floor");
    std::vector<hf_mj_geom> geoms(sizes.geoms);
    expect(HF_MJ_BAD_SIZE, hf_mj_geoms(first, state.data(), sizes.state, geoms.data(), sizes.geoms - 1), "short geoms");
    expect(HF_MJ_OK, hf_mj_geoms(first, state.data(), sizes.state, geoms.data(), sizes.geoms), "geoms");
    check(geoms[2].type == 2 && geoms[2].position[2] == readings[3], "a geom lies where its body is");

    // A state that explodes is refused and left alone, and the simulator goes on.
    other = state;
    other[2 + 7] = 1e12;
    std::vector<double> exploding = other;
    expect(HF_MJ_UNSTABLE, hf_mj_step(first, &control, 1, 50, other.data(), sizes.state, readings.data(), 4), "an exploding state");
    check(other == exploding && hf_mj_last_error()[0] != 0, "an exploding state is left alone");
    expect(HF_MJ_OK, hf_mj_step(first, &control, 1, 1, state.data(), sizes.state, readings.data(), 4), "after an explosion");
    state[1] = std::numeric_limits<double>::quiet_NaN();
    expect(HF_MJ_NOT_FINITE, hf_mj_read(first, state.data(), sizes.state, readings.data(), 4, nullptr), "a state with a NaN");
    hf_mj_free_simulator(first);
    hf_mj_free_simulator(second);
    hf_mj_free_model(model);
}

void test_energy() {
    hf_mj_model* model = load(Pendulum);
    hf_mj_sizes sizes;
    hf_mj_get_sizes(model, &sizes);
    hf_mj_simulator* simulator = nullptr;
    hf_mj_make_simulator(model, &simulator);
    std::vector<double> state(sizes.state), readings(sizes.sensors);
    hf_mj_initial_state(simulator, state.data(), sizes.state);
    state[1] = 1;
    double potential, kinetic, later_potential, later_kinetic;
    const double control = 0;

    // 0.4 s: the ball falls freely from 1 m, without reaching the floor, while the pendulum swings.
    expect(HF_MJ_OK, hf_mj_energy(simulator, state.data(), sizes.state, &potential, &kinetic), "energy");
    expect(HF_MJ_OK, hf_mj_step(simulator, &control, 1, 400, state.data(), sizes.state, readings.data(), 4), "fall");
    expect(HF_MJ_OK, hf_mj_energy(simulator, state.data(), sizes.state, &later_potential, &later_kinetic), "energy");
    check(kinetic == 0 && later_kinetic > 10, "what falls moves");
    check(std::fabs(potential + kinetic - later_potential - later_kinetic) < 1e-6 * potential, "energy is kept");
    hf_mj_free_simulator(simulator);
    hf_mj_free_model(model);

    model = load("<mujoco><worldbody><body><joint/><geom size='1'/></body></worldbody></mujoco>");
    hf_mj_get_sizes(model, &sizes);
    hf_mj_make_simulator(model, &simulator);
    state.resize(sizes.state);
    hf_mj_initial_state(simulator, state.data(), sizes.state);
    expect(HF_MJ_BAD_MODEL, hf_mj_energy(simulator, state.data(), sizes.state, &potential, &kinetic), "energy of a model that does not count it");
    hf_mj_free_simulator(simulator);
    hf_mj_free_model(model);
}

// Asks for more memory of MuJoCo's own stack than there is: mju_error would end the process.
void test_fatal_error() {
    std::string xml = "<mujoco><size nstack='2000'/><worldbody><geom type='plane' size='5 5 1'/>";
    for (int i = 0; i < 8; i++) {
        xml += "<body pos='" + std::to_string(i) + " 0 1'><freejoint/><geom size='0.11'/></body>";
    }
    xml += "</worldbody></mujoco>";
    hf_mj_model* model = nullptr;
    if (hf_mj_load(xml.data(), xml.size(), &model) != HF_MJ_OK) {
        std::printf("left out: this MuJoCo does not take a stack size from the model (%s)\n", hf_mj_last_error());
        return;
    }
    hf_mj_simulator* simulator = nullptr;
    expect(HF_MJ_OK, hf_mj_make_simulator(model, &simulator), "simulator");
    hf_mj_sizes sizes;
    hf_mj_get_sizes(model, &sizes);
    std::vector<double> state(sizes.state);
    hf_mj_initial_state(simulator, state.data(), sizes.state);

    // On the floor and against each other, where every contact takes room.
    for (int i = 0; i < 8; i++) {
        state[1 + 7 * i] = 0.2 * i;
        state[1 + 7 * i + 2] = 0.1;
    }
    const std::vector<double> before = state;
    for (int i = 0; i < 3; i++) {
        const int32_t status = hf_mj_step(simulator, nullptr, 0, 1, state.data(), sizes.state, nullptr, 0);
        expect(HF_MJ_ERROR, status, "an error that MuJoCo would end the process for");
        check(hf_mj_last_error()[0] != 0 && state == before, "it says why, and leaves the state alone");
    }
    hf_mj_free_simulator(simulator);
    hf_mj_free_model(model);
}

}  // namespace

// Usage: hipifast_mujoco_tests [--no-fatal-error], which leaves out the test that MuJoCo jumps out of, keeping what it had allocated.
int main(int count, char** arguments) {
    const bool fatal = count < 2 || std::strcmp(arguments[1], "--no-fatal-error") != 0;
    check(hf_mj_abi_version() == HF_MJ_ABI_VERSION, "ABI version");
    for (int status = -1; status < 12; status++) {
        check(hf_mj_status_message(status)[0] != 0, "every status has a message");
    }
    test_loading();
    test_look_up();
    test_stepping();
    test_energy();
    if (fatal) {
        test_fatal_error();
    }
    std::printf("hipifast_mujoco (MuJoCo %d): %d checks, %d failed\n", hf_mj_mujoco_version(), checks, failures);
    return failures > 0;
}
