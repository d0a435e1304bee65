#include "worker/nn/cpu/team.h"

#include <omp.h>

void team_set(int threads) {
    int wanted = threads > 0 ? threads : omp_get_num_procs(), most = omp_get_thread_limit();
    omp_set_dynamic(0);
    omp_set_max_active_levels(1);
    omp_set_num_threads(wanted < most ? wanted : most);
}
