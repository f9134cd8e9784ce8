// Included ahead of every Verilated file, so that what a model prints reaches Rust instead of stdout.
#pragma once
#ifdef __cplusplus
extern "C" int lacuna_printf(const char* format, ...) __attribute__((format(printf, 1, 2)));
#endif
#define VL_PRINTF lacuna_printf
