// Phase two: COMMIT PREPARED and ROLLBACK PREPARED.
#pragma once

#include "participant/postgres/context.hpp"
#include "participant/postgres/pool.hpp"

namespace assent {

boost::asio::awaitable<void> finish_prepared(Context& context, Pool& finishers,
                                             FinishPrepared verb);

}  // namespace assent
