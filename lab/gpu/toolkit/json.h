/* Edits in the text of a JSON document: everything that is not edited stays byte for byte as it was. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *json_space(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

/* The first character after the string that begins at p. */
static const char *json_string_end(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

/* The first character after the value that begins at p. */
static const char *json_end(const char *p)
{
	int depth = 0;

	p = json_space(p);
	if (*p == '"')
		return json_string_end(p);
	if (*p != '{' && *p != '[') {
		while (*p && !strchr(",]} \t\r\n", *p))
			p++;
		return p;
	}
	while (*p) {
		if (*p == '"') {
			p = json_string_end(p);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		if ((*p == '}' || *p == ']') && --depth == 0)
			return p + 1;
		p++;
	}
	return p;
}

/* The value of a key in the object that begins at p, or NULL. */
static const char *json_member(const char *p, const char *key)
{
	size_t length = strlen(key);

	if (!p || *(p = json_space(p)) != '{')
		return NULL;
	p = json_space(p + 1);
	while (*p == '"') {
		const char *name = p + 1, *end = json_string_end(p);
		const char *value = json_space(end);

		if (*value != ':')
			return NULL;
		value = json_space(value + 1);
		if ((size_t)(end - 1 - name) == length && !memcmp(name, key, length))
			return value;
		p = json_space(json_end(value));
		if (*p == ',')
			p = json_space(p + 1);
	}
	return NULL;
}

/* A new text with `insert` put in at the position p of `text`. */
static char *json_splice(const char *text, const char *p, const char *insert)
{
	size_t head = p - text, size = strlen(insert), tail = strlen(p);
	char *result = malloc(head + size + tail + 1);

	if (!result)
		exit(1);
	memcpy(result, text, head);
	memcpy(result + head, insert, size);
	memcpy(result + head + size, p, tail + 1);
	return result;
}

/* Append `items` to the array at `path` (keys, ended by NULL; all but the last must exist); makes the array if need be. */
static char *json_append(char *text, const char *const *path, const char *items)
{
	const char *parent = json_space(text), *array;
	char *addition;

	for (; path[1]; path++)
		if (!(parent = json_member(parent, path[0])))
			return text;
	array = json_member(parent, path[0]);
	if (array && *array == '[') {
		const char *end = json_end(array) - 1;
		int empty = json_space(array + 1) == end;

		addition = malloc(strlen(items) + 2);
		sprintf(addition, "%s%s", empty ? "" : ",", items);
		return json_splice(text, end, addition);
	}
	if (array) { /* null */
		addition = malloc(strlen(items) + 3);
		sprintf(addition, "[%s]", items);
		memmove((char *)array, json_end(array), strlen(json_end(array)) + 1);
		return json_splice(text, array, addition);
	}
	addition = malloc(strlen(items) + strlen(path[0]) + 8);
	sprintf(addition, "\"%s\":[%s]%s", path[0], items, *json_space(parent + 1) == '}' ? "" : ",");
	return json_splice(text, parent + 1, addition);
}
