/*
 * nvidia-container-runtime of the lab. As the real one: on `create` it looks at NVIDIA_VISIBLE_DEVICES in the container's
 * environment, adds the GPUs' device nodes and the driver's files to the bundle's config.json, and then becomes runc.
 */
#include <glob.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "json.h"

#define MODULE "/run/lab-gpu/sys-module/nvidia"
#define MOST 64

static const char *log_path;

static void fail(const char *message)
{
	FILE *log = log_path ? fopen(log_path, "a") : NULL;
	char now[32];
	time_t t = time(NULL);

	strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
	if (log) { /* where docker and containerd look for the reason */
		fprintf(log, "{\"level\":\"error\",\"msg\":\"%s\",\"time\":\"%s\"}\n", message, now);
		fclose(log);
	}
	fprintf(stderr, "%s\n", message);
	exit(1);
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t size = 0, got;
	char *text = NULL;

	if (!file)
		fail("error loading OCI specification for modification: cannot open config.json");
	do {
		if (!(text = realloc(text, size + 65537)))
			exit(1);
		got = fread(text + size, 1, 65536, file);
		size += got;
	} while (got);
	text[size] = 0;
	fclose(file);
	return text;
}

static void write_file(const char *path, const char *text)
{
	char draft[4200];
	FILE *file;

	snprintf(draft, sizeof draft, "%s.new", path);
	file = fopen(draft, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) || rename(draft, path))
		fail("error writing modified OCI specification");
}

/* A copy of the variable's value in process.env, or NULL. The last one counts, as for a process. */
static char *environment(const char *text, const char *name)
{
	const char *p = json_member(json_member(text, "process"), "env");
	size_t length = strlen(name);
	char *found = NULL;

	if (!p || *p != '[')
		return NULL;
	for (p = json_space(p + 1); *p == '"';) {
		const char *end = json_string_end(p);

		if (!strncmp(p + 1, name, length) && p[1 + length] == '=')
			found = strndup(p + 2 + length, end - 1 - (p + 2 + length));
		p = json_space(end);
		if (*p == ',')
			p = json_space(p + 1);
	}
	return found;
}

static char *join(char *list, const char *item)
{
	list = realloc(list, strlen(list) + strlen(item) + 2);
	if (*list)
		strcat(list, ",");
	return strcat(list, item);
}

static char *add_device(char *list, const char *path)
{
	char item[256];

	snprintf(item, sizeof item,
		 "{\"path\":\"%s\",\"type\":\"c\",\"major\":1,\"minor\":3,\"fileMode\":438,\"uid\":0,\"gid\":0}", path);
	return join(list, item);
}

static char *add_mount(char *list, const char *source, const char *target)
{
	char item[1024];
	struct stat there;

	if (stat(source, &there))
		return list;
	snprintf(item, sizeof item,
		 "{\"destination\":\"%s\",\"source\":\"%s\",\"type\":\"bind\","
		 "\"options\":[\"ro\",\"nosuid\",\"nodev\",\"rbind\",\"rprivate\"]}", target, source);
	return join(list, item);
}

/* Whether the GPU is among the wanted: all, or a list of indexes and UUIDs (whose last twelve digits are the index). */
static int wanted(const char *devices, int gpu)
{
	char *words = strdup(devices), *rest = words, *word;

	while ((word = strsep(&rest, ","))) {
		const char *digits = strncmp(word, "GPU-", 4) || strlen(word) < 12 ? word : word + strlen(word) - 12;

		if (!strcmp(word, "all") || (isdigit((unsigned char)*digits) && atoi(digits) == gpu))
			return 1;
	}
	return 0;
}

static char *add_gpus(char *text, const char *devices, const char *capabilities)
{
	static const char *const DEVICES[] = {"linux", "devices", NULL}, *const MOUNTS[] = {"mounts", NULL};
	static const char *const RULES[] = {"linux", "resources", "devices", NULL};
	char *nodes = calloc(1, 1), *mounts = calloc(1, 1), path[64];
	glob_t libraries;
	int shown = 0;

	if (access(MODULE, F_OK) || access("/dev/nvidiactl", F_OK))
		fail("nvidia-container-cli: initialization error: nvml error: driver not loaded");
	for (int gpu = 0; gpu < MOST; gpu++) {
		snprintf(path, sizeof path, "/dev/nvidia%d", gpu);
		if (!access(path, F_OK) && wanted(devices, gpu)) {
			nodes = add_device(nodes, path);
			shown++;
		}
	}
	if (!shown && strcmp(devices, "none"))
		fail("nvidia-container-cli: device error: unknown device");
	nodes = add_device(nodes, "/dev/nvidiactl");
	if (!capabilities || !*capabilities || strstr(capabilities, "utility") || strstr(capabilities, "all")) {
		mounts = add_mount(mounts, "/usr/bin/nvidia-smi", "/usr/bin/nvidia-smi");
		mounts = add_mount(mounts, "/opt/lab-gpu/profile", "/opt/lab-gpu/profile");
		mounts = add_mount(mounts, "/run/lab-gpu/sys-module/nvidia", "/run/lab-gpu/sys-module/nvidia");
		mounts = add_mount(mounts, "/run/lab-gpu/persistence", "/run/lab-gpu/persistence");
	}
	if (!glob("/usr/lib/x86_64-linux-gnu/lib{nvidia-ml,cuda}.so.1", GLOB_BRACE, NULL, &libraries))
		for (size_t i = 0; i < libraries.gl_pathc; i++) {
			char *real = realpath(libraries.gl_pathv[i], NULL);

			if (real)
				mounts = add_mount(mounts, real, libraries.gl_pathv[i]);
		}
	text = json_append(text, DEVICES, nodes);
	text = json_append(text, RULES, "{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,\"access\":\"rwm\"}");
	if (*mounts)
		text = json_append(text, MOUNTS, mounts);
	return text;
}

static void prepare(const char *bundle)
{
	char path[4096], *text, *devices;

	snprintf(path, sizeof path, "%s/config.json", bundle);
	text = read_file(path);
	devices = environment(text, "NVIDIA_VISIBLE_DEVICES");
	if (!devices && environment(text, "CUDA_VERSION") && !environment(text, "NVIDIA_REQUIRE_CUDA"))
		devices = "all"; /* images of old */
	if (!devices || !*devices || !strcmp(devices, "void"))
		return;
	write_file(path, add_gpus(text, devices, environment(text, "NVIDIA_DRIVER_CAPABILITIES")));
}

int main(int argc, char **argv)
{
	const char *bundle = ".";
	int create = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "create"))
			create = 1;
		else if ((!strcmp(argv[i], "--bundle") || !strcmp(argv[i], "-b")) && i + 1 < argc)
			bundle = argv[++i];
		else if (!strncmp(argv[i], "--bundle=", 9))
			bundle = argv[i] + 9;
		else if (!strcmp(argv[i], "--log") && i + 1 < argc)
			log_path = argv[++i];
		else if (!strncmp(argv[i], "--log=", 6))
			log_path = argv[i] + 6;
		else if (!strcmp(argv[i], "--version") || !strcmp(argv[i], "-v")) {
			printf("NVIDIA Container Runtime version %s\n", VERSION);
			fflush(stdout);
		}
	}
	if (create)
		prepare(bundle);
	argv[0] = "runc";
	execvp("runc", argv);
	fail("no runtime binary found from candidate list: [runc crun]");
}
