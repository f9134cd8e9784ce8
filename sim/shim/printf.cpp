// Collects what the models of this thread print; see printf.h.
#include <cstdarg>
#include <cstdio>
#include <string>

#include "instance.h"
#include "printf.h"

static thread_local std::string t_text;

extern "C" int lacuna_printf(const char* format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    const int length = std::vsnprintf(line, sizeof line, format, args);
    va_end(args);
    t_text += line;
    return length;
}

std::string lacuna_take_text() {
    std::string text;
    text.swap(t_text);
    return text;
}
