/* SPDX-License-Identifier: MIT */
#include "consensus/hooks.h"

#include "base/assert.h"

#ifdef DS_HOOKS
uint64_t ds_rule_hits[DS_RULES_COUNT];
int ds_mutant;

#define NAME(name, text) text,
static const char *const rule_names[] = {DS_RULES(NAME)};
static const char *const mutant_names[] = {DS_MUTANTS(NAME)};

const char *ds_rule_name(unsigned rule)
{
	BASE_ASSERT(rule < DS_RULES_COUNT);
	return rule_names[rule];
}

const char *ds_mutant_name(unsigned mutant)
{
	BASE_ASSERT(mutant < DS_MUTANTS_COUNT);
	return mutant_names[mutant];
}
#endif
