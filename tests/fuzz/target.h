/* tests/fuzz/target.h - what each fuzz target defines. The name is libFuzzer's. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Any bytes; aborts on a finding. Answers 0. */
/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
