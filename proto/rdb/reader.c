/* proto/rdb/reader.c - every item of a file is a small program, one letter an element; the reader steps through it.
 *
 *     K  a name, to item.key          S  string        L  number       (  a count; what stands up to ) repeats
 *     k  a key; on with its type      A  AUX's value   n  number, to   )
 *     E  expiry in ms, e  in s        F  function      item.numbers    X  a module's elements, to their end
 *     l  idle seconds, q  frequency   D  score         M  time in ms   C  checksum
 *     s r i m j  the event of a whole item             T  score as text   I  id   .  end of a value   V  magic
 *
 * Between two calls only the place in the program, the counts of the loops around it and the element cut in two (token.h) are kept,
 * so a value of any type can stop and go on at any byte. Rejected: a function per type, which would need a stack of its own to
 * stop in; and a tree of values in memory, which the caller would copy into another one.
 */
#include "proto/rdb/reader.h"

#include "proto/base/assert.h"
#include "proto/base/bytes.h"
#include "proto/base/crc64.h"

#define SCRATCH_MIN    32u
#define NO_EVENT       RDB_EVENT_COUNT /* of a step that only changes the reader */
#define MS_PER_S       1000
#define STREAM_ID_SIZE 16u
#define MODULE_END     0u
#define MODULE_SINT    1u
#define MODULE_UINT    2u
#define MODULE_FLOAT   3u
#define MODULE_DOUBLE  4u
#define MODULE_STRING  5u
#define MODULE_NEXT    UINT8_MAX /* the number of the next element is still to be read */
#define TEXT_NAN       253u      /* where a text's length would stand; 254 +inf, 255 -inf */

/* Entries, length, last id; then ids of the first and of the greatest deleted, and the number ever added; groups: name, last id, [read],
 * pending (id, delivered at, times), consumers: name, seen at, [active at], (id). */
#define STREAM_1 "(SS)LLL(SLL(IML)(SM(I)))."
#define STREAM_2 "(SS)LLLLLLLL(SLLL(IML)(SM(I)))."
#define STREAM_3 "(SS)LLLLLLLL(SLLL(IML)(SMM(I)))."

static const char *const value_programs[RDB_TYPE_COUNT] = {
	[RDB_TYPE_STRING] = "S.",
	[RDB_TYPE_LIST] = "(S).",
	[RDB_TYPE_SET] = "(S).",
	[RDB_TYPE_ZSET_TEXT] = "(ST).",
	[RDB_TYPE_HASH] = "(SS).",
	[RDB_TYPE_ZSET] = "(SD).",
	[RDB_TYPE_MODULE] = "LX.",
	[RDB_TYPE_HASH_ZIPMAP] = "S.",
	[RDB_TYPE_LIST_ZIPLIST] = "S.",
	[RDB_TYPE_SET_INTSET] = "S.",
	[RDB_TYPE_ZSET_ZIPLIST] = "S.",
	[RDB_TYPE_HASH_ZIPLIST] = "S.",
	[RDB_TYPE_LIST_QUICKLIST] = "(S).",
	[RDB_TYPE_STREAM_1] = STREAM_1,
	[RDB_TYPE_HASH_LISTPACK] = "S.",
	[RDB_TYPE_ZSET_LISTPACK] = "S.",
	[RDB_TYPE_LIST_QUICKLIST_2] = "(LS).",
	[RDB_TYPE_STREAM_2] = STREAM_2,
	[RDB_TYPE_SET_LISTPACK] = "S.",
	[RDB_TYPE_STREAM_3] = STREAM_3,
	[RDB_TYPE_HASH_TTL] = "(SSM).",
};

static const char *
value_program(uint8_t type, enum rdb_dialect dialect)
{
	if (type >= RDB_TYPE_COUNT || (type == RDB_TYPE_HASH_TTL && dialect != RDB_DIALECT_VALKEY))
		return NULL;
	return value_programs[type];
}

/* NULL: there is no such opcode. */
static const char *
opcode_program(const struct rdb_reader *r, uint8_t opcode)
{
	static const char *const programs[UINT8_MAX + 1 - RDB_OP_MIN] = {
		[RDB_OP_SLOT_IMPORT - RDB_OP_MIN] = "jS(LL).",
		[RDB_OP_SLOT_INFO - RDB_OP_MIN] = "nnni",
		[RDB_OP_FUNCTION - RDB_OP_MIN] = "F",
		[RDB_OP_MODULE_AUX - RDB_OP_MIN] = "nmX.",
		[RDB_OP_IDLE - RDB_OP_MIN] = "l",
		[RDB_OP_FREQ - RDB_OP_MIN] = "q",
		[RDB_OP_AUX - RDB_OP_MIN] = "KA",
		[RDB_OP_RESIZE - RDB_OP_MIN] = "nnr",
		[RDB_OP_EXPIRE_MS - RDB_OP_MIN] = "E",
		[RDB_OP_EXPIRE_S - RDB_OP_MIN] = "e",
		[RDB_OP_SELECT - RDB_OP_MIN] = "ns",
		[RDB_OP_END - RDB_OP_MIN] = "C",
	};
	if (opcode < RDB_OP_MIN)
		return "k";
	if (opcode == RDB_OP_SLOT_IMPORT && r->dialect != RDB_DIALECT_VALKEY)
		return NULL;
	if (opcode == RDB_OP_SLOT_INFO && r->dialect != RDB_DIALECT_REDIS)
		return NULL;
	return programs[opcode - RDB_OP_MIN];
}

static void
forget_item(struct rdb_reader *r)
{
	r->item = (struct rdb_item){
		.expire_ms = RDB_NO_EXPIRE, .idle_s = RDB_NO_IDLE, .freq = RDB_NO_FREQ};
	r->ended = false;
}

static void
init(struct rdb_reader *r, const struct rdb_limits *limits)
{
	*r = (struct rdb_reader){.limits = *limits,
				 .final = RDB_MORE,
				 .element = MODULE_NEXT,
				 .token = {.left = limits->size}};
	forget_item(r);
}

void
rdb_reader_init(struct rdb_reader *r, const struct rdb_limits *limits, uint8_t *scratch,
		size_t scratch_size)
{
	ASSERT(scratch_size >= SCRATCH_MIN);
	init(r, limits);
	r->scratch = scratch;
	r->scratch_size = scratch_size;
	r->step = "V";
}

void
rdb_reader_init_value(struct rdb_reader *r, const struct rdb_limits *limits, uint8_t type,
		      enum rdb_dialect dialect, struct span key)
{
	init(r, limits);
	r->dialect = dialect;
	r->one_value = true;
	r->item.type = type;
	r->item.key = key;
	r->step = value_program(type, dialect);
	if (r->step == NULL)
		r->final = RDB_BAD_TYPE;
}

uint64_t
rdb_reader_used(const struct rdb_reader *r)
{
	return r->limits.size - r->token.left;
}

void
rdb_reader_room(struct rdb_reader *r, uint8_t *at)
{
	rdb_token_room(&r->token, at);
}

/* ---- elements ---- */

static enum rdb_event
refused(struct rdb_reader *r, enum rdb_take take)
{
	switch (take) {
	case TAKE_OK:
		return NO_EVENT;
	case TAKE_MORE:
		return RDB_MORE;
	case TAKE_ROOM:
		r->item.number = r->token.string_len;
		return RDB_ROOM;
	case TAKE_BAD_LENGTH:
		return RDB_BAD_LENGTH;
	case TAKE_BAD_SHORT:
		return RDB_BAD_SHORT;
	case TAKE_BAD_COMPRESSED:
		return RDB_BAD_COMPRESSED;
	case TAKE_BAD_ENCODING:
		break;
	}
	return RDB_BAD_ENCODING;
}

static enum rdb_event
take_fixed(struct rdb_reader *r, struct span *in, size_t size, enum rdb_event done)
{
	enum rdb_take take = rdb_take_fixed(&r->token, in, size);
	return take == TAKE_OK ? done : refused(r, take);
}

static enum rdb_event
take_number(struct rdb_reader *r, struct span *in, uint64_t *out, enum rdb_event done)
{
	enum rdb_take take = rdb_take_length(&r->token, in, out);
	return take == TAKE_OK ? done : refused(r, take);
}

/* A key may stand at the front of the scratch memory: a part goes behind it. */
static enum rdb_event
take_string(struct rdb_reader *r, struct span *in, enum rdb_event done)
{
	size_t kept = r->scratch != NULL && r->item.key.at == r->scratch ? r->item.key.len : 0;
	const struct rdb_take_memory memory = {
		.at = r->scratch == NULL ? NULL : r->scratch + kept,
		.size = r->scratch_size - kept,
		.string_max = r->limits.string_max,
	};
	enum rdb_take take = rdb_take_string(&r->token, in, &memory, &r->item.bytes);
	return take == TAKE_OK ? done : refused(r, take);
}

static enum rdb_event
take_name(struct rdb_reader *r, struct span *in)
{
	const struct rdb_take_memory memory = {
		.at = r->scratch,
		.size = r->scratch_size,
		.string_max = r->limits.string_max,
		.keep = true,
	};
	enum rdb_take take = rdb_take_string(&r->token, in, &memory, &r->item.key);
	return take == TAKE_OK ? NO_EVENT : refused(r, take);
}

static enum rdb_event
take_score(struct rdb_reader *r, struct span *in)
{
	enum rdb_event event = take_fixed(r, in, sizeof(double), RDB_SCORE);
	if (event == RDB_SCORE) {
		uint64_t bits = load_le64(r->token.bytes);
		memcpy(&r->item.score, &bits, sizeof(bits));
	}
	return event;
}

static enum rdb_event
take_float(struct rdb_reader *r, struct span *in)
{
	float value;
	enum rdb_event event = take_fixed(r, in, sizeof(value), RDB_SCORE);
	if (event == RDB_SCORE) {
		uint32_t bits = load_le32(r->token.bytes);
		memcpy(&value, &bits, sizeof(bits));
		r->item.score = (double)value;
	}
	return event;
}

static enum rdb_event
take_time(struct rdb_reader *r, struct span *in, int64_t *out, enum rdb_event done)
{
	enum rdb_event event = take_fixed(r, in, sizeof(int64_t), done);
	if (event == done)
		*out = (int64_t)load_le64(r->token.bytes);
	return event;
}

/* ---- steps that are more than one element ---- */

static enum rdb_event
step_version(struct rdb_reader *r, struct span *in)
{
	static const char redis[] = "REDIS", valkey[] = "VALKEY";
	enum rdb_event event = take_fixed(r, in, RDB_MAGIC_SIZE, RDB_VERSION);
	if (event != RDB_VERSION)
		return event;
	const uint8_t *at = r->token.bytes, *end = at + RDB_MAGIC_SIZE;
	if (memcmp(at, redis, sizeof(redis) - 1) == 0) {
		r->dialect = RDB_DIALECT_REDIS;
		at += sizeof(redis) - 1;
	} else if (memcmp(at, valkey, sizeof(valkey) - 1) == 0) {
		r->dialect = RDB_DIALECT_VALKEY;
		at += sizeof(valkey) - 1;
	} else {
		return RDB_BAD_MAGIC;
	}
	r->version = 0;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return RDB_BAD_MAGIC;
		r->version = r->version * 10 + (*at - '0');
	}
	r->item.number = r->version;
	return rdb_version_known(r->dialect, r->version) ? RDB_VERSION : RDB_BAD_VERSION;
}

static enum rdb_event
step_opcode(struct rdb_reader *r, struct span *in)
{
	if (r->ended)
		forget_item(r);
	enum rdb_event event = take_fixed(r, in, 1, NO_EVENT);
	if (event != NO_EVENT)
		return event;
	r->item.type = r->token.bytes[0];
	r->numbers_count = 0;
	r->step = opcode_program(r, r->item.type);
	if (r->item.type == RDB_OP_END) {
		r->crc = crc64(r->crc, r->summed, (size_t)(in->at - r->summed));
		r->summed = NULL;
	}
	return r->step == NULL ? RDB_BAD_OPCODE : NO_EVENT;
}

static enum rdb_event
step_key(struct rdb_reader *r, struct span *in)
{
	enum rdb_event event = take_name(r, in);
	if (event != NO_EVENT)
		return event;
	r->step = value_program(r->item.type, r->dialect);
	return r->step == NULL ? RDB_BAD_TYPE : RDB_KEY;
}

static enum rdb_event
step_loop(struct rdb_reader *r, struct span *in)
{
	uint64_t count;
	enum rdb_event event = take_number(r, in, &count, RDB_COUNT);
	if (event != RDB_COUNT)
		return event;
	r->item.number = count;
	if (count > r->limits.count_max)
		return RDB_BAD_COUNT;
	if (count > r->token.left)
		return RDB_BAD_SHORT;
	r->step++;
	if (count > 0) {
		ASSERT(r->depth < RDB_LOOPS_MAX);
		r->loops[r->depth++] = (struct rdb_loop){.first = r->step, .left = count};
		return RDB_COUNT;
	}
	for (int open = 1; open > 0; r->step++)
		open += (*r->step == '(') - (*r->step == ')');
	return RDB_COUNT;
}

static enum rdb_event
step_loop_end(struct rdb_reader *r)
{
	DASSERT(r->depth > 0);
	struct rdb_loop *loop = &r->loops[r->depth - 1];
	if (--loop->left > 0) {
		r->step = loop->first;
	} else {
		r->depth--;
		r->step++;
	}
	return NO_EVENT;
}

static enum rdb_event
module_element(struct rdb_reader *r, struct span *in)
{
	switch (r->element) {
	case MODULE_SINT:
	case MODULE_UINT:
		return take_number(r, in, &r->item.number, RDB_NUMBER);
	case MODULE_FLOAT:
		return take_float(r, in);
	case MODULE_DOUBLE:
		return take_score(r, in);
	case MODULE_STRING:
		return take_string(r, in, RDB_STRING);
	default:
		return RDB_BAD_MODULE;
	}
}

static enum rdb_event
step_module(struct rdb_reader *r, struct span *in)
{
	if (r->element == MODULE_NEXT) {
		uint64_t element;
		enum rdb_event event = take_number(r, in, &element, NO_EVENT);
		if (event != NO_EVENT)
			return event;
		if (element > MODULE_STRING)
			return RDB_BAD_MODULE;
		if (element == MODULE_END) {
			r->step++;
			return NO_EVENT;
		}
		r->element = (uint8_t)element;
	}
	enum rdb_event event = module_element(r, in);
	if (event != RDB_MORE && event != RDB_ROOM)
		r->element = MODULE_NEXT;
	return event;
}

static enum rdb_event
step_score_text(struct rdb_reader *r, struct span *in)
{
	static const struct span words[] = {SPAN("nan"), SPAN("inf"), SPAN("-inf")};
	enum rdb_take take = rdb_take_short(&r->token, in, TEXT_NAN, &r->item.bytes);
	if (take != TAKE_OK)
		return refused(r, take);
	if (r->item.bytes.len >= TEXT_NAN)
		r->item.bytes = words[r->item.bytes.len - TEXT_NAN];
	return RDB_SCORE_TEXT;
}

static enum rdb_event
step_checksum(struct rdb_reader *r, struct span *in)
{
	r->item.checked = false;
	if (r->version < RDB_VERSION_CHECKSUM)
		return RDB_FILE_END;
	enum rdb_event event = take_fixed(r, in, sizeof(r->crc), RDB_FILE_END);
	if (event != RDB_FILE_END)
		return event;
	uint64_t crc = load_le64(r->token.bytes);
	if (crc == 0) /* written with rdbchecksum no */
		return RDB_FILE_END;
	r->item.checked = crc == r->crc;
	return r->item.checked ? RDB_FILE_END : RDB_BAD_CHECKSUM;
}

/* ---- the programs ---- */

static enum rdb_event
step_expire_s(struct rdb_reader *r, struct span *in)
{
	enum rdb_event event = take_fixed(r, in, sizeof(int32_t), NO_EVENT);
	if (event == NO_EVENT)
		r->item.expire_ms = (int64_t)(int32_t)load_le32(r->token.bytes) * MS_PER_S;
	return event;
}

static enum rdb_event
step_freq(struct rdb_reader *r, struct span *in)
{
	enum rdb_event event = take_fixed(r, in, 1, NO_EVENT);
	if (event == NO_EVENT)
		r->item.freq = r->token.bytes[0];
	return event;
}

static enum rdb_event
step_id(struct rdb_reader *r, struct span *in)
{
	enum rdb_event event = take_fixed(r, in, STREAM_ID_SIZE, RDB_ID);
	r->item.bytes = (struct span){r->token.bytes, STREAM_ID_SIZE};
	return event;
}

static enum rdb_event
step_header_number(struct rdb_reader *r, struct span *in)
{
	enum rdb_event event = take_number(r, in, &r->item.numbers[r->numbers_count], NO_EVENT);
	if (event == NO_EVENT)
		r->item.number = r->item.numbers[0], r->numbers_count++;
	return event;
}

static enum rdb_event
step_value_end(struct rdb_reader *r)
{
	r->ended = true;
	return RDB_VALUE_END;
}

/* Elements after which the program goes on with the next letter. */
static enum rdb_event
step_element(struct rdb_reader *r, struct span *in)
{
	switch (*r->step) {
	case 'V':
		return step_version(r, in);
	case 'K':
		return take_name(r, in);
	case 'A':
		return take_string(r, in, RDB_AUX);
	case 'F':
		return take_string(r, in, RDB_FUNCTION);
	case 'S':
		return take_string(r, in, RDB_STRING);
	case 'L':
		return take_number(r, in, &r->item.number, RDB_NUMBER);
	case 'n':
		return step_header_number(r, in);
	case 'l':
		return take_number(r, in, &r->item.idle_s, NO_EVENT);
	case 'q':
		return step_freq(r, in);
	case 'E':
		return take_time(r, in, &r->item.expire_ms, NO_EVENT);
	case 'e':
		return step_expire_s(r, in);
	case 'M':
		return take_time(r, in, &r->item.time_ms, RDB_TIME);
	case 'D':
		return take_score(r, in);
	case 'T':
		return step_score_text(r, in);
	case 'I':
		return step_id(r, in);
	case 's':
		return RDB_SELECT;
	case 'r':
		return RDB_RESIZE;
	case 'i':
		return RDB_SLOT_INFO;
	case 'm':
		return RDB_MODULE_AUX;
	case 'j':
		return RDB_SLOT_IMPORT;
	case 'C':
		return step_checksum(r, in);
	default:
		ASSERT(*r->step == '.');
		return step_value_end(r);
	}
}

static enum rdb_event
step(struct rdb_reader *r, struct span *in)
{
	if (r->step == NULL || *r->step == '\0')
		return step_opcode(r, in);
	switch (*r->step) {
	case 'k':
		return step_key(r, in);
	case '(':
		return step_loop(r, in);
	case ')':
		return step_loop_end(r);
	case 'X':
		return step_module(r, in);
	default:
		break;
	}
	enum rdb_event event = step_element(r, in);
	if (event != RDB_MORE && event != RDB_ROOM)
		r->step++;
	return event;
}

static bool
is_final(const struct rdb_reader *r, enum rdb_event event)
{
	return event >= RDB_FILE_END || (r->one_value && event == RDB_VALUE_END);
}

enum rdb_event
rdb_read(struct rdb_reader *r, struct span *in)
{
	if (r->final != RDB_MORE)
		return r->final;
	bool summed = !r->one_value && (r->step == NULL || *r->step != 'C');
	r->summed = summed ? in->at : NULL;
	enum rdb_event event;
	do
		event = step(r, in);
	while (event == NO_EVENT);
	if (r->summed != NULL)
		r->crc = crc64(r->crc, r->summed, (size_t)(in->at - r->summed));
	if (is_final(r, event))
		r->final = event;
	return event;
}

const char *
rdb_event_name(enum rdb_event event)
{
	static const char *const names[RDB_EVENT_COUNT] = {
		[RDB_MORE] = "more",
		[RDB_ROOM] = "room",
		[RDB_VERSION] = "version",
		[RDB_AUX] = "aux",
		[RDB_SELECT] = "select",
		[RDB_RESIZE] = "resize",
		[RDB_SLOT_INFO] = "slot_info",
		[RDB_FUNCTION] = "function",
		[RDB_MODULE_AUX] = "module_aux",
		[RDB_SLOT_IMPORT] = "slot_import",
		[RDB_KEY] = "key",
		[RDB_COUNT] = "count",
		[RDB_STRING] = "string",
		[RDB_SCORE] = "score",
		[RDB_SCORE_TEXT] = "score_text",
		[RDB_NUMBER] = "number",
		[RDB_TIME] = "time",
		[RDB_ID] = "id",
		[RDB_VALUE_END] = "value_end",
		[RDB_FILE_END] = "file_end",
		[RDB_BAD_MAGIC] = "bad_magic",
		[RDB_BAD_VERSION] = "bad_version",
		[RDB_BAD_OPCODE] = "bad_opcode",
		[RDB_BAD_TYPE] = "bad_type",
		[RDB_BAD_LENGTH] = "bad_length",
		[RDB_BAD_COUNT] = "bad_count",
		[RDB_BAD_SHORT] = "bad_short",
		[RDB_BAD_ENCODING] = "bad_encoding",
		[RDB_BAD_COMPRESSED] = "bad_compressed",
		[RDB_BAD_MODULE] = "bad_module",
		[RDB_BAD_CHECKSUM] = "bad_checksum",
	};
	ASSERT(event < RDB_EVENT_COUNT);
	return names[event];
}
