/* proto/rdb/dump.c - the frame round one value; the value itself goes through reader.c and writer.c. */
#include "proto/rdb/dump.h"

#include "proto/base/assert.h"
#include "proto/base/bytes.h"
#include "proto/base/crc64.h"

#define VERSION_SIZE 2u

enum rdb_dump_status
rdb_dump_open(struct span payload, struct rdb_dump *out)
{
	if (payload.len < 1 + RDB_DUMP_FOOTER_SIZE)
		return DUMP_BAD_SIZE;
	size_t body_end = payload.len - RDB_DUMP_FOOTER_SIZE;
	size_t summed = body_end + VERSION_SIZE;
	uint16_t version = load_le16(payload.at + body_end);
	/* The version alone tells who wrote it: Valkey's begin where Redis's own have not come. */
	enum rdb_dialect dialect =
		version == RDB_VERSION_VALKEY ? RDB_DIALECT_VALKEY : RDB_DIALECT_REDIS;
	if (!rdb_version_known(dialect, version))
		return DUMP_BAD_VERSION;
	uint64_t crc = load_le64(payload.at + summed);
	if (crc != crc64(0, payload.at, summed))
		return DUMP_BAD_CHECKSUM;
	*out = (struct rdb_dump){
		.type = payload.at[0],
		.dialect = dialect,
		.version = version,
		.body = {payload.at + 1, body_end - 1},
	};
	return DUMP_OK;
}

bool
rdb_dump_begin(struct rdb_writer *w, uint8_t type)
{
	return rdb_write_type(w, type);
}

bool
rdb_dump_end(struct rdb_writer *w)
{
	uint8_t version[VERSION_SIZE];
	store_le16(version, RDB_VERSION_WRITTEN);
	return rdb_write_checksum(w, version, sizeof(version));
}

size_t
rdb_dump_string_size_max(size_t len)
{
	return 1 + RDB_LEN_SIZE_MAX + len + RDB_DUMP_FOOTER_SIZE;
}

size_t
rdb_dump_string(struct span value, uint8_t *at, uint8_t *scratch, size_t scratch_size)
{
	struct rdb_writer_options options = {.scratch_size = scratch_size};
	options.scratch = scratch;
	struct rdb_writer w;
	rdb_writer_init(&w, &options);
	bool ok = rdb_writer_window(&w, at, rdb_dump_string_size_max(value.len)) &&
		  rdb_dump_begin(&w, RDB_TYPE_STRING) && rdb_write_string(&w, value) &&
		  rdb_dump_end(&w);
	ASSERT(ok);
	return rdb_writer_take(&w);
}
