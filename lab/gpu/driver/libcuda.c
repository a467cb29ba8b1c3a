/*
 * libcuda of the lab's driver: whether CUDA starts, and how many GPUs it has. As with the real one, a machine with NVSwitches
 * has none before its fabric manager has joined them, whatever nvidia-smi shows.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MODULE "/run/lab-gpu/sys-module/nvidia/"
enum { INVALID_VALUE = 1, NO_DEVICE = 100, SYSTEM_NOT_READY = 802, SYSTEM_DRIVER_MISMATCH = 803 };

const char lab_driver_version[] = VERSION;

int cuDeviceGetCount(int *count)
{
	char path[32];

	*count = 0;
	for (int gpu = 0; gpu < 64; gpu++) {
		snprintf(path, sizeof path, "/dev/nvidia%d", gpu);
		*count += !access(path, F_OK);
	}
	return 0;
}

int cuInit(unsigned flags)
{
	char loaded[32] = "";
	int count;
	FILE *version = fopen(MODULE "version", "r");

	if (flags)
		return INVALID_VALUE;
	cuDeviceGetCount(&count);
	if (!version || !count || access("/dev/nvidiactl", F_OK))
		return NO_DEVICE;
	if (!fgets(loaded, sizeof loaded, version) || strcspn(loaded, "\n") != strlen(VERSION) ||
	    strncmp(loaded, VERSION, strlen(VERSION)))
		return SYSTEM_DRIVER_MISMATCH;
	return access(MODULE "awaits_fabric", F_OK) ? 0 : SYSTEM_NOT_READY;
}
