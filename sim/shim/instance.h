// One Verilated model behind a table of plain C functions: the whole surface that Rust calls.
// `Top` is the class Verilator generated; nothing here knows which design it is.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "verilated.h"
#if VM_COVERAGE
#include "verilated_cov.h"
#endif
#if VM_TRACE
#include "verilated_fst_c.h"
#endif

/// Everything this thread's models printed since the last call.
std::string lacuna_take_text();

extern "C" {
/// Mirrors `ffi::Ops` in sim/src/ffi.rs.
struct LacunaOps {
    void* (*create)(uint32_t seed);
    void (*destroy)(void* self);
    /// Address of a port's storage, in the order of the generated port table.
    void* (*port)(void* self, uint32_t index);
    /// Settles combinational logic.
    void (*eval)(void* self);
    /// Runs up to `cycles` clocks of a settled model, stopping early at an error or when
    /// `*until & mask` (if not null) is non-zero after a clock. Returns the clocks run.
    uint64_t (*run)(void* self, uint64_t cycles, const uint8_t* until, uint8_t mask);
    /// Returns 1 once an assertion failed or $stop or $finish was met.
    int32_t (*stopped)(void* self);
    /// Text printed so far, valid until the next call on this instance.
    const char* (*text)(void* self);
    /// Starts an FST dump. Returns 1 when this model was built without waveforms.
    int32_t (*trace)(void* self, const char* path);
    /// Writes coverage counts. Returns 1 when this model was built without coverage.
    int32_t (*coverage)(void* self, const char* path);
};
}

namespace lacuna {

/// The top's clock, or null for a top without one.
template <class Top>
auto clock_of(Top& top, int) -> decltype(&top.clk_i) {
    return &top.clk_i;
}
template <class Top>
CData* clock_of(Top&, long) {
    return nullptr;
}

template <class Top>
struct Instance final {
    VerilatedContext context;
    std::unique_ptr<Top> top;
    CData* clock = nullptr;
    std::string printed;
#if VM_TRACE
    std::unique_ptr<VerilatedFstC> dump;
#endif

    explicit Instance(uint32_t seed) {
        context.fatalOnError(false);
        context.traceEverOn(true);
        context.randReset(2);
        context.randSeed(static_cast<int>(seed & 0x7fffffff) | 1);
        top = std::make_unique<Top>(&context, "top");
        clock = clock_of(*top, 0);
    }

    /// Records one half cycle: inputs that changed while the clock was low, or the rising edge.
    void record() {
#if VM_TRACE
        if (dump) dump->dump(context.time());
#endif
        context.timeInc(1);
    }

    bool stopped() const { return context.gotError() || context.gotFinish(); }

    static Instance* of(void* self) {
        auto* const instance = static_cast<Instance*>(self);
        Verilated::threadContextp(&instance->context);
        return instance;
    }

    static void* create(uint32_t seed) { return new Instance{seed}; }

    static void destroy(void* self) {
        Instance* const instance = of(self);
        instance->top->final();
#if VM_TRACE
        if (instance->dump) instance->dump->close();
#endif
        delete instance;
        static VerilatedContext idle;
        Verilated::threadContextp(&idle);
        lacuna_take_text();
    }

    static void eval(void* self) { of(self)->top->eval(); }

    static uint64_t run(void* self, uint64_t cycles, const uint8_t* until, uint8_t mask) {
        Instance* const instance = of(self);
        Top& top = *instance->top;
        uint64_t done = 0;
        while (done < cycles && !instance->stopped()) {
            instance->record();
            *instance->clock = 1;
            top.eval();
            instance->record();
            *instance->clock = 0;
            top.eval();
            ++done;
            if (until && (*until & mask)) break;
        }
        return done;
    }

    static int32_t stopped_op(void* self) { return of(self)->stopped(); }

    static const char* text(void* self) {
        Instance* const instance = of(self);
        instance->printed += lacuna_take_text();
        return instance->printed.c_str();
    }

    static int32_t trace(void* self, const char* path) {
#if VM_TRACE
        Instance* const instance = of(self);
        instance->dump = std::make_unique<VerilatedFstC>();
        instance->top->trace(instance->dump.get(), 99);
        instance->dump->open(path);
        return !instance->dump->isOpen();
#else
        (void)self, (void)path;
        return 1;
#endif
    }

    static int32_t coverage(void* self, const char* path) {
#if VM_COVERAGE
        of(self)->context.coveragep()->write(path);
        return 0;
#else
        (void)self, (void)path;
        return 1;
#endif
    }
};

template <class Top>
constexpr LacunaOps ops(void* (*port)(void*, uint32_t)) {
    using I = Instance<Top>;
    return {&I::create, &I::destroy, port,     &I::eval,  &I::run,
            &I::stopped_op, &I::text, &I::trace, &I::coverage};
}

}  // namespace lacuna
