/* app/env/eal.h - starting EAL from the arguments before "--", and its failures in one line. */
#pragma once

#define EAL_DATA_LCORES_MAX 15
#define EAL_ERROR_MAX       256

struct eal_lcores { /* EAL lcore ids */
	unsigned control;
	unsigned data[EAL_DATA_LCORES_MAX];
	unsigned data_count;
};

/* Returns how many of argv EAL took (the index of the first argument after "--"), or negative errno and one clear line in error: cause
 * and remedy. Once per process. */
int eal_start(int argc, char **argv, struct eal_lcores *lcores, char error[EAL_ERROR_MAX]);
