CREATE ROLE hello LOGIN PASSWORD 'development';
CREATE DATABASE hello OWNER hello;
CREATE ROLE visitors LOGIN PASSWORD 'development';
CREATE DATABASE visitors OWNER visitors;
