/* proto/rdb/dump.h - one value on its own, as DUMP gives it and RESTORE takes it.
 *
 *     | type | value as in an RDB file | version, 2 | crc64, 8 |     both least significant byte first
 *
 * To read: rdb_dump_open(), then rdb_reader_init_value() on body. To write: with a writer of its own (writer.h), rdb_dump_begin(), the
 * parts, rdb_dump_end(); or, for strings, rdb_dump_string().
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/span.h"
#include "proto/rdb/format.h"
#include "proto/rdb/writer.h"

#define RDB_DUMP_FOOTER_SIZE 10u

/* RESTORE answers one thing to all but DUMP_OK: "DUMP payload version or checksum are wrong". */
enum rdb_dump_status { DUMP_OK, DUMP_BAD_SIZE, DUMP_BAD_VERSION, DUMP_BAD_CHECKSUM };

struct rdb_dump {
	uint8_t type;
	enum rdb_dialect dialect;
	uint16_t version;
	struct span body; /* of the payload's bytes */
};

/* Checks the footer; the value itself is for the reader to refuse. Unlike in files, a checksum of 0 is a checksum. */
enum rdb_dump_status rdb_dump_open(struct span payload, struct rdb_dump *out)
	__attribute__((warn_unused_result));

bool rdb_dump_begin(struct rdb_writer *w, uint8_t type) RDB_UNUSED_RESULT;
bool rdb_dump_end(struct rdb_writer *w) RDB_UNUSED_RESULT;
/* Most bytes a string of len gives. */
size_t rdb_dump_string_size_max(size_t len);
/* The payload of a string; its size. at: rdb_dump_string_size_max() bytes. scratch as in struct rdb_writer_options. */
size_t rdb_dump_string(struct span value, uint8_t *at, uint8_t *scratch, size_t scratch_size);
