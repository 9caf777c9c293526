/* tests/unit/app/cmd/test_command.c - what COMMAND tells: every row has its facts, and they agree with the row. */
#include "app/cmd/command_facts.h"

#include "tests/unit/app/cmd/talk.h"
#include "tests/unit/runner.h"

static struct talk talk;
static struct server_group group;

static void
setup(void)
{
	group = (struct server_group){.count = 1};
	talk_open(&talk, &group, 0);
}

START_TEST(every_command_has_facts_that_agree_with_its_row)
{
	for (unsigned i = 0; i < command_count; i++) {
		const struct command *c = &command_table[i];
		const struct command_facts *f = command_facts_of(c->name);
		ck_assert_msg(f != NULL, "%s has no row in command_facts.c", c->name);
		ck_assert_uint_gt(strlen(f->summary), 0);
		if (c->flags & COMMAND_CONTAINER)
			continue; /* its keys are its subcommands' */
		ck_assert_msg((c->first_key != 0) == (f->specs[0].flags != 0), "%s", c->name);
		if (c->first_key != 0)
			ck_assert_int_eq(c->first_key, f->specs[0].first);
		bool writes = (f->specs[0].flags & (KEY_RW | KEY_OW | KEY_RM)) != 0;
		bool reads_first = f->specs[1].flags != 0 && !writes; /* COPY: from, to */
		if (c->first_key != 0 && !reads_first)
			ck_assert_msg(writes == ((c->flags & COMMAND_WRITE) != 0), "%s", c->name);
	}
	ck_assert_ptr_null(command_facts_of("nosuch"));
}
END_TEST

struct line {
	const char *words, *reply;
};

START_TEST(keys_are_told_with_what_happens_to_them)
{
	static const struct line lines[] = {
		{"COMMAND GETKEYSANDFLAGS set k v",
		 "*1\r\n*2\r\n$1\r\nk\r\n*2\r\n+OW\r\n+update\r\n"                                                    },
		{"COMMAND GETKEYSANDFLAGS set k v get",
		 "*1\r\n*2\r\n$1\r\nk\r\n*3\r\n+RW\r\n+access\r\n+update\r\n"                                         },
		{"COMMAND GETKEYSANDFLAGS bitfield k get u8 0",
		 "*1\r\n*2\r\n$1\r\nk\r\n*2\r\n+RO\r\n+access\r\n"                                                    },
		{"COMMAND GETKEYSANDFLAGS bitfield k get u8 0 set u8 0 1",
		 "*1\r\n*2\r\n$1\r\nk\r\n*3\r\n+RW\r\n+access\r\n+update\r\n"                                         },
		{"COMMAND GETKEYSANDFLAGS mset a 1 b 2",
		 "*2\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n*2\r\n$1\r\nb\r\n*2\r\n+OW\r\n+"
		 "update\r\n"											 },
		{"COMMAND GETKEYSANDFLAGS rename a b",
		 "*2\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+delete\r\n*2\r\n$1\r\nb\r\n*"
		 "2\r\n+OW\r\n+update\r\n"									    },
		{"COMMAND GETKEYSANDFLAGS ping x",                         "-ERR The command has no key arguments\r\n"},
		{"COMMAND GETKEYSANDFLAGS nosuch x",                       "-ERR Invalid command specified\r\n"       },
		{"COMMAND GETKEYSANDFLAGS get a b",
		 "-ERR Invalid number of arguments specified for command\r\n"                                         },
		{"COMMAND GETKEYS mget a b",                               "*2\r\n$1\r\na\r\n$1\r\nb\r\n"             },
		{"COMMAND LIST FILTERBY PATTERN getr*",                    "*1\r\n$8\r\ngetrange\r\n"                 },
		{"COMMAND LIST FILTERBY ACLCAT nosuch",                    "*0\r\n"                                   },
		{"COMMAND LIST FILTERBY MODULE x",                         "*0\r\n"                                   },
		{"COMMAND LIST FILTERBY x y",                              "-ERR syntax error\r\n"                    },
		{"COMMAND LIST FILTERBY",                                  "-ERR syntax error\r\n"                    },
		{"COMMAND DOCS nosuch",                                    "*0\r\n"                                   },
	};
	setup();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_str_eq(talk_line(&talk, lines[i].words), lines[i].reply);
	ck_assert_ptr_nonnull(strstr(talk_line(&talk, "COMMAND DOCS get"), "summary"));
	ck_assert_ptr_nonnull(
		strstr(talk_line(&talk, "COMMAND INFO del"), "request_policy:multi_shard"));
	talk_close(&talk);
}
END_TEST

int
main(void)
{
	return RUN_CASES("command", every_command_has_facts_that_agree_with_its_row,
			 keys_are_told_with_what_happens_to_them);
}
