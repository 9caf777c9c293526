/* proto/base/limits.h - limits that more than one folder must agree on. */
#pragma once

#define SLOT_COUNT  16384u               /* cluster spec, "Key distribution model" */
#define KEY_LEN_MAX (512u * 1024 * 1024) /* Redis: a key is a string value */
