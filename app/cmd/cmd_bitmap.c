/* app/cmd/cmd_bitmap.c - strings as bitmaps: GETBIT to BITFIELD. The order in which arguments are judged is Redis 7.0's. */
#include <string.h>

#include "app/cmd/bits.h"
#include "app/cmd/command.h"
#include "proto/base/number.h"

#define ERROR_BIT_OFFSET "ERR bit offset is not an integer or out of range"
#define ERROR_BIT        "ERR bit is not an integer or out of range"

/* "#n" means n times width, where width is not 0. */
static bool
take_bit_offset(struct server *server, struct span word, unsigned width, uint64_t *offset,
		struct resp_writer *w)
{
	int64_t value;
	bool times = width > 0 && word.len > 0 && word.at[0] == '#';
	bool fits = number_parse(word.at + times, word.len - times, &value) &&
		    (!times || !__builtin_mul_overflow(value, (int64_t)width, &value)) &&
		    value >= 0 && (uint64_t)value >> 3 < server->config.proto_max_bulk_len;
	if (!fits) {
		resp_error(w, ERROR_BIT_OFFSET);
		return false;
	}
	*offset = (uint64_t)value;
	return true;
}

/* The string with room for a bit; NULL: the error has been written. */
static uint8_t *
room_for_bit(struct server *server, struct call *call, uint64_t bit, struct resp_writer *w)
{
	struct keyspace *ks = keys_of(server, &call->key);
	struct entry *e = keyspace_find(ks, &call->key, server->unix_ms);
	size_t len = (size_t)(bit / 8) + 1, old = e != NULL ? entry_value(e).len : 0;
	uint8_t *at = keyspace_resize(ks, &call->key, old > len ? old : len, server->unix_ms);
	if (at == NULL)
		reply_out_of_memory(w);
	return at;
}

static struct span
value_of(const struct entry *e) /* NULL: empty */
{
	return e != NULL ? entry_value(e) : SPAN("");
}

void
cmd_getbit(struct server *server, struct call *call, struct resp_writer *w)
{
	struct bit_field bit = {.width = 1};
	if (take_bit_offset(server, call->argv[2], 0, &bit.offset, w))
		resp_integer(w, bits_read(value_of(find_first_key(server, call)), &bit));
}

void
cmd_setbit(struct server *server, struct call *call, struct resp_writer *w)
{
	struct bit_field bit = {.width = 1};
	int64_t value;
	if (!take_bit_offset(server, call->argv[2], 0, &bit.offset, w))
		return;
	if (!number_parse(call->argv[3].at, call->argv[3].len, &value) ||
	    (value != 0 && value != 1)) {
		resp_error(w, ERROR_BIT);
		return;
	}
	uint8_t *at = room_for_bit(server, call, bit.offset, w);
	if (at == NULL)
		return;
	resp_integer(w, bits_read((struct span){at, bit.offset / 8 + 1}, &bit));
	bits_write(at, &bit, value);
}

/* ---- ranges ---- */

struct bit_range {
	int64_t start, end;
	bool in_bits, empty;
};

/* BYTE or BIT. */
static bool
take_unit(struct span word, bool *in_bits, struct resp_writer *w)
{
	*in_bits = span_is(word, "bit");
	if (*in_bits || span_is(word, "byte"))
		return true;
	resp_error(w, ERROR_SYNTAX);
	return false;
}

/* Indices from the end, and what lies outside: afterwards first and last bit, or empty. */
static void
settle_range(struct bit_range *r, size_t len)
{
	int64_t total = (int64_t)(r->in_bits ? len * 8 : len);
	r->start = r->start < 0 ? r->start + total : r->start;
	r->end = r->end < 0 ? r->end + total : r->end;
	r->start = r->start < 0 ? 0 : r->start;
	r->end = r->end < 0 ? 0 : r->end;
	r->end = r->end >= total ? total - 1 : r->end;
	r->empty = r->start > r->end;
	if (r->empty || r->in_bits)
		return;
	r->start *= 8;
	r->end = r->end * 8 + 7;
}

void
cmd_bitcount(struct server *server, struct call *call, struct resp_writer *w)
{
	struct bit_range r = {.start = 0, .end = -1};
	struct entry *e = find_first_key(server, call);
	if (e == NULL) {
		resp_integer(w, 0); /* whatever else was asked */
		return;
	}
	if (call->argc == 4 || call->argc == 5) {
		if (!take_integer(call->argv[2], &r.start, w) ||
		    !take_integer(call->argv[3], &r.end, w))
			return;
		if (r.start < 0 && r.end < 0 && r.start > r.end) {
			resp_integer(w, 0);
			return;
		}
		if (call->argc == 5 && !take_unit(call->argv[4], &r.in_bits, w))
			return;
	} else if (call->argc != 2) {
		resp_error(w, ERROR_SYNTAX);
		return;
	}
	struct span value = entry_value(e);
	settle_range(&r, value.len);
	resp_integer(w,
		     r.empty ? 0 : (int64_t)bits_count(value, (uint64_t)r.start, (uint64_t)r.end));
}

static bool
take_bitpos_range(struct call *call, struct bit_range *r, struct resp_writer *w)
{
	if (call->argc > 6) {
		resp_error(w, ERROR_SYNTAX);
		return false;
	}
	return (call->argc < 4 || take_integer(call->argv[3], &r->start, w)) &&
	       (call->argc < 6 || take_unit(call->argv[5], &r->in_bits, w)) &&
	       (call->argc < 5 || take_integer(call->argv[4], &r->end, w));
}

void
cmd_bitpos(struct server *server, struct call *call, struct resp_writer *w)
{
	struct bit_range r = {.start = 0, .end = -1};
	int64_t bit;
	if (!take_integer(call->argv[2], &bit, w))
		return;
	if (bit != 0 && bit != 1) {
		resp_error(w, "ERR The bit argument must be 1 or 0.");
		return;
	}
	struct entry *e = find_first_key(server, call);
	if (e == NULL) { /* endless zeros */
		resp_integer(w, bit ? -1 : 0);
		return;
	}
	if (!take_bitpos_range(call, &r, w))
		return;
	struct span value = entry_value(e);
	settle_range(&r, value.len);
	int64_t at =
		r.empty ? -1 : bits_find(value, (unsigned)bit, (uint64_t)r.start, (uint64_t)r.end);
	/* With no end given, zeros follow the string. */
	if (at < 0 && bit == 0 && !r.empty && call->argc < 5)
		at = (int64_t)value.len * 8;
	resp_integer(w, at);
}

/* ---- BITOP ---- */

enum bit_operation { BITOP_AND, BITOP_OR, BITOP_XOR, BITOP_NOT, BITOP_UNKNOWN };

static enum bit_operation
bit_operation_of(struct span word)
{
	static const char *const names[] = {"and", "or", "xor", "not"};
	for (unsigned i = 0; i < BITOP_UNKNOWN; i++)
		if (span_is(word, names[i]))
			return (enum bit_operation)i;
	return BITOP_UNKNOWN;
}

/* One more operand: what lies behind its end counts as zeros. */
static void
combine(uint8_t *at, size_t len, enum bit_operation operation, struct span operand)
{
	size_t both = operand.len < len ? operand.len : len;
	for (size_t i = 0; i < both; i++)
		at[i] = (uint8_t)(operation == BITOP_AND  ? at[i] & operand.at[i]
				  : operation == BITOP_OR ? at[i] | operand.at[i]
							  : at[i] ^ operand.at[i]);
	if (operation == BITOP_AND)
		memset(at + both, 0, len - both);
}

static void
compute(struct server *server, struct call *call, enum bit_operation operation, uint8_t *at,
	size_t len)
{
	struct span value = value_of(find_key(server, call->argv[3]));
	memset(at, 0, len);
	if (value.len > 0)
		memcpy(at, value.at, value.len);
	for (size_t i = 0; operation == BITOP_NOT && i < len; i++)
		at[i] = (uint8_t)~at[i];
	for (uint32_t i = 4; i < call->argc; i++)
		combine(at, len, operation, value_of(find_key(server, call->argv[i])));
}

void
cmd_bitop(struct server *server, struct call *call, struct resp_writer *w)
{
	struct allocator *a = server->allocator;
	enum bit_operation operation = bit_operation_of(call->argv[1]);
	struct keyspace *ks = keys_of(server, &call->key);
	size_t len = 0;
	if (operation == BITOP_UNKNOWN) {
		resp_error(w, ERROR_SYNTAX);
		return;
	}
	if (operation == BITOP_NOT && call->argc != 4) {
		resp_error(w, "ERR BITOP NOT must be called with a single source key.");
		return;
	}
	for (uint32_t i = 3; i < call->argc; i++) {
		struct span value = value_of(find_key(server, call->argv[i]));
		len = value.len > len ? value.len : len;
	}
	if (len == 0) {
		keyspace_delete(ks, &call->key, server->unix_ms);
		resp_integer(w, 0);
		return;
	}
	uint8_t *at = a->alloc(a, len);
	if (at != NULL)
		compute(server, call, operation, at, len);
	if (at != NULL && keyspace_put(ks, &call->key, (struct span){at, len}, 0) == KEY_OK)
		resp_integer(w, (int64_t)len);
	else
		reply_out_of_memory(w);
	a->release(a, at, len);
}

/* ---- BITFIELD ---- */

enum field_kind { FIELD_GET, FIELD_SET, FIELD_INCRBY, FIELD_OVERFLOW, FIELD_UNKNOWN };

struct field_operation {
	enum field_kind kind;
	enum bit_overflow overflow; /* the last OVERFLOW before it */
	struct bit_field field;
	int64_t value;
};

static enum field_kind
field_kind_of(struct span word, uint32_t arguments)
{
	static const struct {
		const char *name;
		uint32_t arguments;
	} kinds[] = {
		{"get",      2},
                {"set",      3},
                {"incrby",   3},
                {"overflow", 1}
        };
	for (unsigned i = 0; i < FIELD_UNKNOWN; i++)
		if (span_is(word, kinds[i].name) && arguments >= kinds[i].arguments)
			return (enum field_kind)i;
	return FIELD_UNKNOWN;
}

static bool
take_overflow(struct span word, enum bit_overflow *overflow, struct resp_writer *w)
{
	if (span_is(word, "wrap"))
		*overflow = BIT_WRAP;
	else if (span_is(word, "sat"))
		*overflow = BIT_SATURATE;
	else if (span_is(word, "fail"))
		*overflow = BIT_FAIL;
	else
		resp_error(w, "ERR Invalid OVERFLOW type specified");
	return span_is(word, "wrap") || span_is(word, "sat") || span_is(word, "fail");
}

/* "i16", "u8". */
static bool
take_field_type(struct span word, struct bit_field *field, struct resp_writer *w)
{
	int64_t width = 0;
	bool known = word.len > 1 && (word.at[0] == 'i' || word.at[0] == 'u') &&
		     number_parse(word.at + 1, word.len - 1, &width);
	field->is_signed = known && word.at[0] == 'i';
	if (!known || width < 1 || width > (field->is_signed ? 64 : 63)) {
		resp_error(w, "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 "
			      "is not supported but i64 is.");
		return false;
	}
	field->width = (uint8_t)width;
	return true;
}

/* The operation at argv[*i], and *i behind it. False: the error has been written. */
static bool
take_field_operation(struct server *server, struct call *call, uint32_t *i,
		     struct field_operation *o, struct resp_writer *w)
{
	const struct span *argv = call->argv + *i;
	o->kind = field_kind_of(argv[0], call->argc - *i - 1);
	switch (o->kind) {
	case FIELD_UNKNOWN:
		resp_error(w, ERROR_SYNTAX);
		return false;
	case FIELD_OVERFLOW:
		*i += 2;
		return take_overflow(argv[1], &o->overflow, w);
	case FIELD_GET:
	case FIELD_SET:
	case FIELD_INCRBY:
		break;
	}
	if (!take_field_type(argv[1], &o->field, w) ||
	    !take_bit_offset(server, argv[2], o->field.width, &o->field.offset, w) ||
	    (o->kind != FIELD_GET && !take_integer(argv[3], &o->value, w)))
		return false;
	*i += o->kind == FIELD_GET ? 3 : 4;
	return true;
}

/* Reads all arguments: how many operations, and the last bit that one of them writes; -1: none does. */
static bool
survey_fields(struct server *server, struct call *call, size_t *count, int64_t *last_written,
	      struct resp_writer *w)
{
	struct field_operation o = {.overflow = BIT_WRAP};
	*count = 0;
	*last_written = -1;
	for (uint32_t i = 2; i < call->argc;) {
		if (!take_field_operation(server, call, &i, &o, w))
			return false;
		*count += o.kind != FIELD_OVERFLOW;
		int64_t last = (int64_t)(o.field.offset + o.field.width) - 1;
		if ((o.kind == FIELD_SET || o.kind == FIELD_INCRBY) && last > *last_written)
			*last_written = last;
	}
	return true;
}

/* at NULL: only FIELD_GET comes. */
static void
run_field(const struct field_operation *o, struct span value, uint8_t *at, struct resp_writer *w)
{
	int64_t old = bits_read(value, &o->field), now;
	if (o->kind == FIELD_GET) {
		resp_integer(w, old);
		return;
	}
	bool sets = o->kind == FIELD_SET;
	if (!bits_add(&o->field, o->overflow, sets ? o->value : old, sets ? 0 : o->value, &now)) {
		resp_null(w);
		return;
	}
	bits_write(at, &o->field, now);
	resp_integer(w, sets ? old : now);
}

void
cmd_bitfield(struct server *server, struct call *call, struct resp_writer *w)
{
	struct field_operation o = {.overflow = BIT_WRAP};
	size_t count;
	int64_t last;
	uint8_t *at = NULL;
	if (!survey_fields(server, call, &count, &last, w))
		return;
	if (last >= 0 && (call->command->flags & COMMAND_READONLY)) {
		resp_error(w, "ERR BITFIELD_RO only supports the GET subcommand");
		return;
	}
	if (last >= 0 && (at = room_for_bit(server, call, (uint64_t)last, w)) == NULL)
		return;
	struct span value = value_of(find_first_key(server, call));
	resp_array(w, count);
	for (uint32_t i = 2; i < call->argc;) {
		if (!take_field_operation(server, call, &i, &o, w))
			return; /* survey_fields() would have said so */
		if (o.kind != FIELD_OVERFLOW)
			run_field(&o, value, at, w);
	}
}
