-- The auth database, as the application's ORM creates it.
CREATE TABLE users (
    id INTEGER NOT NULL,
    username VARCHAR NOT NULL,
    email VARCHAR NOT NULL,
    hashed_password VARCHAR NOT NULL,
    is_active BOOLEAN,
    is_verified BOOLEAN,
    created_at DATETIME,
    last_login DATETIME,
    failed_login_attempts INTEGER,
    account_locked_until DATETIME,
    last_password_change DATETIME,
    password_reset_token VARCHAR,
    password_reset_expires DATETIME,
    two_factor_secret VARCHAR,
    two_factor_enabled BOOLEAN,
    login_ip_history VARCHAR,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ix_users_username ON users (username);
CREATE UNIQUE INDEX ix_users_email ON users (email);
CREATE INDEX ix_users_id ON users (id);
