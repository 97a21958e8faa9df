/** Token of the limiter that refuses while nobody can count; the `RateLimiter` itself counts locally then. */
export const LOGIN_LIMITER = Symbol('login limiter');
