/* libnvidia-ml of the lab's driver: it is there, and of a version. The lab's nvidia-smi is a shell script. */
const char lab_driver_version[] = VERSION;
