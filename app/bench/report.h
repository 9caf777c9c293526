/* app/bench/report.h - what a run found, as text for people or one JSON object for scripts. Writes to standard output. */
#pragma once

struct load;

void report_text(const struct load *load);
void report_json(const struct load *load);
